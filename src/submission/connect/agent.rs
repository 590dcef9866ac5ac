//! The headers that say which SDK sends: the same for every request, so they are written once.
//!
//! The SDK puts them together anew for each call, which is a tenth of what a call costs.

use std::sync::OnceLock;

use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_sdk_connect::config::ConfigBag;
use aws_sdk_connect::config::interceptors::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::{Intercept, disable_interceptor, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// What the SDK calls itself in.
const HEADERS: [&str; 2] = ["user-agent", "x-amz-user-agent"];

/// Stands in for the SDK's own interceptor, asks it once, and repeats what it wrote.
#[derive(Debug, Default)]
pub(super) struct UserAgent {
    sdk: UserAgentInterceptor,
    known: OnceLock<Written>,
}

/// What the SDK wrote.
#[derive(Debug)]
struct Written {
    /// Where the credentials came from. All else that the headers tell is the client's and never changes.
    features: Vec<AwsCredentialFeature>,
    values: [String; 2],
}

#[dyn_dispatch_hint]
impl Intercept for UserAgent {
    fn name(&self) -> &'static str {
        "UserAgent"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let instead = disable_interceptor::<UserAgentInterceptor>("written once");
        config.interceptor_state().store_put(instead);
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(known) = self.known.get()
            && config.load::<AwsCredentialFeature>().eq(&known.features)
        {
            let headers = context.request_mut().headers_mut();
            for (name, value) in HEADERS.into_iter().zip(&known.values) {
                headers.try_append(name, value.clone())?;
            }
            return Ok(());
        }
        let request = BeforeTransmitInterceptorContextRef::from(context.inner());
        self.sdk.read_after_serialization(&request, components, config)?;
        self.sdk.modify_before_signing(context, components, config)?;
        let headers = context.request().headers();
        if let [Some(user_agent), Some(amz)] = HEADERS.map(|name| headers.get(name)) {
            let features = config.load::<AwsCredentialFeature>().cloned().collect();
            let values = [user_agent.to_owned(), amz.to_owned()];
            // Credentials of another origin come later: then the SDK goes on writing for itself.
            let _ = self.known.set(Written { features, values });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_credential_types::Credentials;
    use aws_credential_types::provider::{self, ProvideCredentials, future};
    use aws_sdk_connect::config::IdentityCache;
    use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;

    use super::super::testing::{Wire, config};
    use super::*;

    /// Gives credentials of one origin and then of the next.
    #[derive(Debug)]
    struct Origins(Vec<AwsCredentialFeature>, AtomicUsize);

    impl Origins {
        fn of(features: &[AwsCredentialFeature]) -> Self {
            Origins(features.to_vec(), AtomicUsize::new(0))
        }
    }

    impl ProvideCredentials for Origins {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let turn = self.1.fetch_add(1, Ordering::Relaxed) % self.0.len();
            let mut credentials = Credentials::new("A", "B", None, None, "test");
            let features: &mut Vec<AwsCredentialFeature> = credentials.get_property_mut_or_default();
            features.push(self.0[turn].clone());
            future::ProvideCredentials::ready(provider::Result::Ok(credentials))
        }
    }

    /// What each of six requests calls its SDK.
    async fn named(is_written_once: bool, origins: &[AwsCredentialFeature]) -> Vec<[Vec<String>; 2]> {
        let wire = Wire::default();
        let config = config(&wire).identity_cache(IdentityCache::no_cache());
        let mut config = config.credentials_provider(Origins::of(origins));
        if is_written_once {
            config.push_interceptor(SharedInterceptor::permanent(UserAgent::default()));
        }
        let client = aws_sdk_connect::Client::from_conf(config.build());
        for call in 0..6 {
            // Operations differ, but not in what they call the SDK.
            if call % 2 == 0 {
                client.create_contact().send().await.unwrap();
            } else {
                client.describe_contact().instance_id("i").contact_id("c").send().await.unwrap();
            }
        }
        let of = |request: &Vec<(String, String)>, name| {
            let values = request.iter().filter(|header| header.0 == name);
            values.map(|header| header.1.clone()).collect()
        };
        wire.requests().iter().map(|request| HEADERS.map(|name| of(request, name))).collect()
    }

    #[tokio::test]
    async fn every_request_says_what_the_sdk_would_have_said() {
        let env = AwsCredentialFeature::CredentialsEnvVars;
        let process = AwsCredentialFeature::CredentialsProcess;
        for origins in [vec![env.clone()], vec![env, process]] {
            let ours = named(true, &origins).await;
            assert_eq!(ours, named(false, &origins).await);
            assert_eq!(ours.len(), 6);
            assert!(ours.iter().flatten().all(|values| values.len() == 1), "{ours:?}");
            assert_eq!(ours[0] == ours[1], origins.len() == 1);
        }
    }
}
