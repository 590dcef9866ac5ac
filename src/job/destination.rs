//! Where requests go: the instance, the endpoint, and what keeps a rehearsal away from both.

use std::time::Duration;

use super::file::JobFile;
use super::instance::Instance;
use super::{JobError, LONGEST, option_error};
use crate::cli::{GlobalArgs, JobArgs, RequestArgs};
use crate::submission::AwsSettings;

/// The instance and how it is reached.
pub(super) fn destination(
    job: &JobArgs,
    made: &RequestArgs,
    global: &GlobalArgs,
    file: &JobFile,
) -> Result<(Instance, AwsSettings), JobError> {
    let connect = &file.connect;
    let mut aws = AwsSettings {
        profile: global.profile.clone().or(connect.profile.clone()),
        region: global.region.clone().or(connect.region.clone()),
        endpoint_url: global.endpoint_url.clone().or(connect.endpoint_url.clone()),
        ca_bundle: global.ca_bundle.clone().or(connect.ca_bundle.as_ref().map(|path| file.beside(path))),
        no_sign_request: global.no_sign_request.or(connect.no_sign_request).unwrap_or(false),
        connect_timeout: global
            .connect_timeout
            .or(connect.connect_timeout)
            .unwrap_or(Duration::from_secs(10)),
        read_timeout: global.read_timeout.or(connect.read_timeout).unwrap_or(Duration::from_secs(30)),
        sandbox: false,
    };
    for (option, timeout) in
        [("--connect-timeout", aws.connect_timeout), ("--read-timeout", aws.read_timeout)]
    {
        if timeout.is_zero() || timeout > LONGEST {
            return Err(option_error(option, "must be more than 0 and at most a year"));
        }
    }
    if job.sandbox {
        // A rehearsal keeps away from all that leads to a real instance.
        aws.sandbox = true;
        aws.profile = None;
        aws.endpoint_url = global.endpoint_url.clone();
        aws.ca_bundle = None;
        aws.no_sign_request = false;
        aws.region = Some("us-east-1".into());
    }
    let instance = instance(job, made, file)?.ok_or(JobError::NoInstance)?;
    match &aws.endpoint_url {
        Some(url) if !is_http(url) => {
            return Err(option_error(
                "--endpoint-url",
                "must be a URL such as https://host or http://127.0.0.1:8080",
            ));
        }
        // No request would carry them, and the ledger, logs and printed commands would.
        Some(url) if has_userinfo(url) => {
            return Err(option_error(
                "--endpoint-url",
                "must name no user and no password: they would not be sent; leave out what stands before the @",
            ));
        }
        Some(url) if instance.is_sandbox() && !(is_loopback(url) && url.starts_with("http:")) => {
            return Err(option_error("--endpoint-url", "must be http:// on loopback for a rehearsal"));
        }
        Some(_) | None => {}
    }
    if let Some(of_arn) = &instance.region {
        match &aws.region {
            Some(region) if region != of_arn => {
                let problem = format!("is '{region}', but the instance's ARN says '{of_arn}'");
                return Err(option_error("--region", problem));
            }
            Some(_) => {}
            None => aws.region = Some(of_arn.clone()),
        }
    }
    Ok((instance, aws))
}

/// The instance that the job names, if it names one.
///
/// # Errors
/// It is none, or the one that is reserved for rehearsals.
pub(super) fn instance(
    job: &JobArgs,
    args: &RequestArgs,
    file: &JobFile,
) -> Result<Option<Instance>, JobError> {
    if job.sandbox {
        return Ok(Some(Instance::sandbox()));
    }
    let Some(named) = args.instance_id.as_ref().or(file.connect.instance_id.as_ref()) else {
        return Ok(None);
    };
    let instance = Instance::parse(named).map_err(|problem| option_error("--instance-id", problem))?;
    if instance.is_sandbox() {
        return Err(option_error("--instance-id", "'sandbox' is reserved for rehearsals; use --sandbox"));
    }
    Ok(Some(instance))
}

fn is_http(url: &str) -> bool {
    url.parse::<hyper::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    })
}

fn has_userinfo(url: &str) -> bool {
    let authority =
        |uri: hyper::Uri| uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    url.parse::<hyper::Uri>().is_ok_and(authority)
}

fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<hyper::Uri>() else {
        return false;
    };
    let Some(host) = uri.host() else { return false };
    let bare = host.trim_matches(['[', ']']);
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
