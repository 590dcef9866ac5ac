//! The call that makes contacts, put together once.
//!
//! For each call the SDK merges fourteen plugins of its own and walks twenty interceptors through nineteen hooks,
//! most of them for metrics that nobody collects and retries that nobody makes; that is a third of what a call costs.
//! The first call goes that way and shows what was put together; the others go to the same orchestrator, serializer,
//! signer, transport and deserializer with what they need of it. They no longer tell the service which attempt of
//! how many they are, by headers that no signature covers. The tests name each interceptor that is left out.

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use aws_runtime::service_clock_skew::DisableClockSkewCorrection;
use aws_runtime::user_agent::ApiMetadata;
use aws_sdk_connect::Client;
use aws_sdk_connect::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_connect::config::{
    AppName, ConfigBag, Layer, Region, RuntimePlugin as _, StalledStreamProtectionConfig,
};
use aws_sdk_connect::error::SdkError;
use aws_sdk_connect::operation::create_contact::builders::CreateContactInputBuilder;
use aws_sdk_connect::operation::create_contact::{CreateContact, CreateContactError, CreateContactOutput};
use aws_smithy_runtime::client::orchestrator::{AuthSchemeAndEndpointOrchestrationV2, invoke};
use aws_smithy_runtime::client::retries::strategy::NeverRetryStrategy;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemePreference;
use aws_smithy_runtime_api::client::interceptors::context::Input;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::runtime_plugin::{RuntimePlugins, StaticRuntimePlugin};
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SigningName;
use aws_types::endpoint_config::{EndpointUrl, UseDualStack, UseFips};
use aws_types::region::SigningRegion;

/// What still runs: what the request, the record of its departure and the connections depend on.
const KEPT: [&str; 5] = [
    "CreateContactEndpointParamsInterceptor",
    "ServiceClockSkewInterceptor",
    "ConnectionPoisoningInterceptor",
    "Departure",
    "UserAgent",
];

/// Keeps what the first call of CreateContact was put together from. An interceptor of the client.
#[derive(Clone, Debug, Default)]
pub(super) struct Assembled(Arc<OnceLock<RuntimePlugins>>);

impl Assembled {
    /// Sends as `client` does, which is the one that this is an interceptor of. The call brings its client token.
    pub(super) async fn send(
        &self,
        call: CreateContactInputBuilder,
        client: &Client,
    ) -> Result<CreateContactOutput, SdkError<CreateContactError, Response>> {
        let Some(plugins) = self.0.get() else { return Box::pin(call.send_with(client)).await };
        let input = Input::erase(call.build().map_err(SdkError::construction_failure)?);
        let output = invoke("Connect", "CreateContact", input, plugins).await.map_err(|error| {
            error.map_service_error(|error| error.downcast().unwrap_or_else(CreateContactError::unhandled))
        })?;
        output.downcast().map_err(|_| SdkError::construction_failure("an output of another operation"))
    }
}

#[dyn_dispatch_hint]
impl Intercept for Assembled {
    fn name(&self) -> &'static str {
        "Assembled"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let name = config.load::<Metadata>().map(Metadata::name);
        if name != Some("CreateContact") || self.0.get().is_some() {
            return Ok(());
        }
        let kept = components.interceptors().filter(|interceptor| KEPT.contains(&interceptor.name()));
        let mut components = components.to_builder().with_interceptors(kept);
        // The client makes one attempt as it is; this strategy does not count them.
        components.set_retry_strategy(Some(NeverRetryStrategy::new()));
        let Some(operation) = CreateContact::new().config() else { return Ok(()) };
        let client = StaticRuntimePlugin::new().with_config(settings(config).freeze());
        let plugins = RuntimePlugins::new()
            .with_client_plugin(client.with_runtime_components(components))
            .with_operation_plugin(StaticRuntimePlugin::new().with_config(operation));
        // Calls that are first together see the same.
        let _ = self.0.set(plugins);
        Ok(())
    }
}

/// The settings of the client that a call reads.
fn settings(config: &ConfigBag) -> Layer {
    let mut layer = Layer::new("assembled");
    // To find the endpoint.
    keep::<Region>(config, &mut layer);
    keep::<EndpointUrl>(config, &mut layer);
    keep::<UseFips>(config, &mut layer);
    keep::<UseDualStack>(config, &mut layer);
    // To sign.
    keep::<AuthSchemePreference>(config, &mut layer);
    keep::<AuthSchemeAndEndpointOrchestrationV2>(config, &mut layer);
    keep::<SigningName>(config, &mut layer);
    keep::<SigningRegion>(config, &mut layer);
    keep::<DisableClockSkewCorrection>(config, &mut layer);
    // To say who sends.
    keep::<ApiMetadata>(config, &mut layer);
    keep::<AppName>(config, &mut layer);
    // To send.
    keep::<TimeoutConfig>(config, &mut layer);
    keep::<RetryConfig>(config, &mut layer);
    keep::<StalledStreamProtectionConfig>(config, &mut layer);
    layer
}

fn keep<T: Storable<Storer = StoreReplace<T>> + Clone>(config: &ConfigBag, layer: &mut Layer) {
    if let Some(setting) = config.load::<T>() {
        layer.store_put(setting.clone());
    }
}
