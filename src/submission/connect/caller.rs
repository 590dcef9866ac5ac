//! The client's endpoint, and the owner of its credentials.

use aws_config::SdkConfig;
use aws_sdk_connect::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_types::service_config::ServiceConfigKey;

use super::call;
use super::client::ConnectClient;
use crate::request::{ContactRequest, Operation};
use crate::submission::attempt::AttemptError;
use crate::submission::target::{Caller, CallerAbsence, ServiceTarget};

impl ConnectClient {
    /// Region and endpoint of the requests.
    pub fn target(&self) -> &ServiceTarget {
        &self.target
    }

    /// Asks AWS STS whose credentials sign the requests, once, within the connect and read timeouts. STS is the Region's,
    /// or that of `AWS_ENDPOINT_URL_STS`; it is not asked where the endpoint of Connect is on loopback.
    ///
    /// GetCallerIdentity needs no permission (AWS STS API reference), but a private network may have no way to STS.
    pub async fn caller(&self) -> Caller {
        if self.is_rehearsal {
            return Caller::Unused(CallerAbsence::Rehearsal);
        }
        if self.credentials.is_none() {
            return Caller::Unused(CallerAbsence::Unsigned);
        }
        if self.target.is_loopback() {
            return Caller::Unused(CallerAbsence::Loopback);
        }
        // No value of a row is sent to STS, so its message stays as it is.
        let nothing = ContactRequest::empty(Operation::CreateContact);
        let call = self.sts.get_caller_identity();
        match call::make(Box::pin(call.send()), Some(&nothing)).await.map_err(AttemptError::from) {
            Ok(answer) => match (answer.account, answer.arn) {
                (Some(account), Some(arn)) => Caller::Known { account, arn },
                _ => Caller::Unknown("AWS STS did not name it".to_owned()),
            },
            Err(error) => {
                let cause = error.cause();
                let reason = match cause.message.as_str() {
                    "" => format!("AWS STS: {}", cause.code),
                    message => format!("AWS STS: {}: {message}", cause.code),
                };
                match (&error, cause.code.as_str()) {
                    (AttemptError::CredentialsUnavailable(_), _)
                    | (AttemptError::Denied(_), "NoCredentials" | "NotSigned") => {
                        Caller::NoCredentials(cause.message.to_string())
                    }
                    _ => Caller::Unknown(reason),
                }
            }
        }
    }
}

/// The endpoint that the SDK chooses: `given`, that of the environment or the profile, or the Region's.
pub(super) fn endpoint(config: &SdkConfig, region: &str, given: Option<&str>) -> String {
    // As in `From<&SdkConfig>` of the SDK's Connect client, which does not show the endpoint that it chose.
    let configured = || {
        let key = ServiceConfigKey::builder()
            .service_id("Connect")
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok()?;
        config.service_config()?.load_config(key)
    };
    if let Some(url) = given.map(str::to_owned).or_else(configured) {
        return url;
    }
    if let Some(url) = config.endpoint_url() {
        return url.to_owned();
    }
    let parameters = Params::builder()
        .region(region)
        .use_fips(config.use_fips().unwrap_or(false))
        .use_dual_stack(config.use_dual_stack().unwrap_or(false))
        .build();
    let of_region = parameters.ok().and_then(|parameters| {
        use futures_util::FutureExt as _;
        DefaultResolver::new().resolve_endpoint(&parameters).now_or_never()?.ok()
    });
    // The Region may be impossible; the first request then says so.
    of_region.map_or_else(|| format!("Connect in {region}"), |endpoint| endpoint.url().to_owned())
}
