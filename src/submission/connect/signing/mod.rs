//! Signatures: what the requests of a second have in common is worked out once.
//!
//! For each request the SDK derives the key, reads the address and orders the headers anew, which is an eighth of
//! what a call costs. Here it signs the first request of a second, and the others are written after that example if
//! they differ from it in nothing but the body and plain headers. An example is followed only if it comes out to the
//! letter when it is written after itself, so a version of the SDK that signs otherwise signs all by itself.

mod example;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::RwLock;
use std::time::UNIX_EPOCH;

use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4Signer};
use aws_sdk_connect::config::ConfigBag;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::{AuthScheme, AuthSchemeEndpointConfig, AuthSchemeId, Sign};
use aws_smithy_runtime_api::client::identity::{Identity, SharedIdentityResolver};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{GetIdentityResolver, RuntimeComponents};

use example::{Example, Terms, names};

/// Stands in for the SDK's scheme of the same id.
#[derive(Debug, Default)]
pub(super) struct Signing(Signer);

impl AuthScheme for Signing {
    fn scheme_id(&self) -> AuthSchemeId {
        SCHEME_ID
    }

    fn identity_resolver(&self, resolvers: &dyn GetIdentityResolver) -> Option<SharedIdentityResolver> {
        resolvers.identity_resolver(SCHEME_ID)
    }

    fn signer(&self) -> &dyn Sign {
        &self.0
    }
}

#[derive(Default)]
struct Signer {
    sdk: SigV4Signer,
    latest: RwLock<Lesson>,
}

/// The SDK logs its signer, and the key is nobody's business.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

/// What the SDK showed in a second.
#[derive(Default)]
struct Lesson {
    /// Of the local clock, since 1970. The time that is signed is the example's: the SDK corrects it by what the
    /// service's answers say, and so a correction is taken over with the next second.
    second: u64,
    /// None if the request cannot be followed; one try a second is enough.
    example: Option<Example>,
}

impl Sign for Signer {
    fn sign_http_request(
        &self,
        request: &mut HttpRequest,
        identity: &Identity,
        endpoint: AuthSchemeEndpointConfig<'_>,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        let now = components.time_source().unwrap_or_default().now();
        let second = now.duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
        let terms = Terms::of(identity, &endpoint, config);
        let mut is_lesson = false;
        if let (Some(terms), Ok(latest)) = (&terms, self.latest.read()) {
            is_lesson = latest.second != second;
            if !is_lesson
                && let Some(example) = &latest.example
                && let Some(authorization) = example.authorization(request, terms)
            {
                return Ok(example.apply(authorization, request)?);
            }
        }
        let before = if is_lesson { names(request).map(str::to_owned).collect() } else { Vec::new() };
        self.sdk.sign_http_request(request, identity, endpoint, components, config)?;
        if let Some(terms) = terms.filter(|_| is_lesson) {
            let example = Example::of(request, before, &terms, now);
            if let Ok(mut latest) = self.latest.write() {
                *latest = Lesson { second, example };
            }
        }
        Ok(())
    }
}
