//! Roles with the Rust SDK alone: the clients that the tool is compared with, and the one it shares a quota
//! with.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_connect::Client;
use aws_sdk_connect::config::retry::RetryConfig;
use aws_sdk_connect::config::timeout::TimeoutConfig;
use aws_sdk_connect::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_sdk_connect::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_connect::operation::create_contact::CreateContactError;
use aws_smithy_http_client::{Connector, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use serde_json::json;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::tool::DESCRIPTION;

/// In-flight calls, as many as the tool needs.
const TASKS: u64 = 32;

/// Maximum attempts of the adaptive mode, more than a call can make.
const MAX_ATTEMPTS: u32 = 100_000;

/// Sends rows without a pause, and stops at the first that is not created.
///
/// Arguments: `PORT ROWS CONCURRENCY RUNTIME`. The runtime is `threads` for one thread per core, or `thread`.
pub(crate) fn bare_role(arguments: &[&str]) {
    let [port, rows, concurrency, runtime] = arguments else {
        unreachable!("bare PORT ROWS CONCURRENCY RUNTIME")
    };
    let [rows, concurrency] = [rows, concurrency].map(|text| text.parse::<u64>().expect("a number"));
    let client = client(&format!("http://127.0.0.1:{port}"), RetryConfig::disabled());
    let runtime = match *runtime {
        "thread" => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    block_on(runtime, async move {
        let next = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..concurrency {
            let (client, next) = (client.clone(), next.clone());
            tasks.spawn(async move {
                loop {
                    let row = next.fetch_add(1, Ordering::Relaxed);
                    if row >= rows {
                        break;
                    }
                    create(&client, row).await.expect("the contact is created");
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.expect("every row is sent");
        }
    });
}

/// Sends for a time in the SDK's adaptive retry mode.
///
/// Arguments: `PORT SECONDS`.
pub(crate) fn adaptive_role(arguments: &[&str]) {
    let [port, seconds] = arguments else { unreachable!("sdk-adaptive PORT SECONDS") };
    let time = Duration::from_secs(seconds.parse().expect("seconds"));
    let client =
        client(&format!("http://127.0.0.1:{port}"), RetryConfig::adaptive().with_max_attempts(MAX_ATTEMPTS));
    block_on(Builder::new_multi_thread(), async move {
        let counts: Arc<[AtomicU64; 2]> = Arc::default();
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let (client, counts) = (client.clone(), counts.clone());
            tasks.spawn(async move {
                loop {
                    let row = counts[0].fetch_add(1, Ordering::Relaxed);
                    if create(&client, row).await.is_err() {
                        counts[1].fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        tokio::time::sleep(time).await;
        let [calls, failed] = [&counts[0], &counts[1]].map(|count| count.load(Ordering::Relaxed));
        println!("{}", json!({"calls": calls, "failed": failed}));
    });
}

/// Another client of the same quota: calls at a fixed rate, without a second attempt.
///
/// Arguments: `PORT RATE SECONDS`.
pub(crate) fn other_role(arguments: &[&str]) {
    let [port, rate, seconds] = arguments else { unreachable!("other PORT RATE SECONDS") };
    let [rate, seconds] = [rate, seconds].map(|text| text.parse::<f64>().expect("a number"));
    // The server counts this path separately.
    let client = client(&format!("http://127.0.0.1:{port}/other"), RetryConfig::disabled());
    block_on(Builder::new_multi_thread(), async move {
        let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut calls = JoinSet::new();
        for row in 0..(rate * seconds) as u64 {
            ticks.tick().await;
            let client = client.clone();
            calls.spawn(async move { create(&client, row).await });
        }
        let (mut all, mut throttled) = (0_u64, 0_u64);
        while let Some(call) = calls.join_next().await {
            all += 1;
            if let Ok(Err(error)) = call {
                throttled += u64::from(error.code() == Some("ThrottlingException"));
            }
        }
        println!("{}", json!({"calls": all, "throttled": throttled}));
    });
}

/// Runs the future and drops tasks that are still running at its end.
fn block_on(mut runtime: Builder, work: impl Future<Output = ()>) {
    let runtime = runtime.enable_all().build().expect("a runtime");
    runtime.block_on(work);
    runtime.shutdown_background();
}

/// A client with the settings of the tool (`submission/connect`), except the retries.
fn client(url: &str, retries: RetryConfig) -> Client {
    let [connect, read] = [10, 30].map(Duration::from_secs);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(connect)
        .read_timeout(read)
        .operation_attempt_timeout(connect + read)
        .build();
    let plain = aws_smithy_http_client::Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder();
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.proxy_config(ProxyConfig::disabled()).build_http()
    });
    let config = aws_sdk_connect::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("SANDBOX", "SANDBOX", None, None, "speed"))
        .endpoint_url(url)
        .http_client(plain)
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(retries);
    Client::from_conf(config.build())
}

/// The call that the tool makes for a row of `tool::write_rows`.
async fn create(client: &Client, row: u64) -> Result<(), SdkError<CreateContactError>> {
    let attributes = HashMap::from([("a".to_owned(), row.to_string()), ("b".to_owned(), "two".to_owned())]);
    let call = client
        .create_contact()
        .instance_id("sandbox")
        .client_token(format!("ci1-{:016x}{row:016x}", std::process::id()))
        .channel("TASK".into())
        .initiation_method("API".into())
        .initiate_as("COMPLETED".into())
        .name(format!("Task {row}"))
        .description(DESCRIPTION)
        .set_attributes(Some(attributes));
    call.send().await.map(drop)
}
