//! Where requests go: the instance, the endpoint, and what keeps a rehearsal away from both.

use std::time::Duration;

use super::file::JobFile;
use super::instance::Instance;
use super::{JobError, LONGEST, option_error};
use crate::cli::{GlobalArgs, JobArgs, RequestArgs};
use crate::submission::{AwsSettings, CaBundle, expect_endpoint, expect_region, is_loopback_host};

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
        ca_bundle: ca_bundle(global, file),
        no_sign_request: global.no_sign_request.or(connect.no_sign_request).unwrap_or(false),
        connect_timeout: global
            .connect_timeout
            .or(connect.connect_timeout)
            .unwrap_or(Duration::from_secs(10)),
        read_timeout: global.read_timeout.or(connect.read_timeout).unwrap_or(Duration::from_secs(30)),
        separate_connections: false,
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
    let instance = instance(job.sandbox, made, file)?.ok_or(JobError::NoInstance)?;
    if let Some(url) = &aws.endpoint_url {
        expect_destination(url, instance.is_sandbox())
            .map_err(|problem| option_error("--endpoint-url", problem))?;
    }
    if let Some(region) = &aws.region {
        expect_region(region).map_err(|problem| option_error("--region", problem))?;
    }
    if let Some(of_arn) = &instance.region {
        expect_region(of_arn).map_err(|_| option_error("--instance-id", "names no Region in its ARN"))?;
        let region = aws.region.get_or_insert_with(|| of_arn.clone());
        if region != of_arn {
            let problem = format!("is '{region}', but the instance's ARN says '{of_arn}'");
            return Err(option_error("--region", problem));
        }
    }
    Ok((instance, aws))
}

/// The CA bundle that is named for this tool.
fn ca_bundle(global: &GlobalArgs, file: &JobFile) -> Option<CaBundle> {
    let of_flag = || Some(CaBundle { path: global.ca_bundle.clone()?, origin: "--ca-bundle".to_owned() });
    let of_job = || {
        let path = file.beside(file.connect.ca_bundle.as_ref()?);
        Some(CaBundle { path, origin: "[connect] ca_bundle".to_owned() })
    };
    of_flag().or_else(of_job)
}

/// Whether the built-in sandbox serves the command, and not a sandbox that `--endpoint-url` names.
pub(super) fn is_built_in(args: &JobArgs, global: &GlobalArgs) -> bool {
    args.sandbox && global.endpoint_url.is_none()
}

/// The instance that the job names, if it names one.
///
/// # Errors
/// It is none, or the one that is reserved for rehearsals.
pub(super) fn instance(
    is_rehearsal: bool,
    args: &RequestArgs,
    file: &JobFile,
) -> Result<Option<Instance>, JobError> {
    if is_rehearsal {
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

/// Checks that requests may be sent to `url`.
fn expect_destination(url: &str, is_rehearsal: bool) -> Result<(), &'static str> {
    expect_endpoint(url)?;
    let uri = url.parse::<hyper::Uri>().unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    if is_rehearsal && !(is_loopback_host(host) && uri.scheme_str() == Some("http")) {
        return Err("must be http:// on loopback for a rehearsal");
    }
    Ok(())
}
