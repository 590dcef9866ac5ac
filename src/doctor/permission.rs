//! Judges the answer to a request that Connect must refuse: who answers, and whether the credentials may create contacts.

use super::remedies::{credentials_remedy, denial_remedy};
use super::target::EndpointSource;
use super::{CheckResult, connect, target};
use crate::exit_code::ExitCode;
use crate::ledger::Identity;
use crate::submission::{
    AttemptError, ConnectionFailure, PermissionProbe, Responder, Service, ServiceTarget,
    is_credentials_error, is_proxy_code,
};

const ENDPOINT: &str = "endpoint";
const PERMISSION: &str = "permission";
const CREDENTIALS: &str = "credentials";

/// Error codes of an answer that validated the request.
const VALIDATION: [&str; 2] = ["InvalidParameterException", "InvalidRequestException"];

/// Error codes by which AWS services, API Gateway among them, answer requests of another service.
const OTHER_SERVICE: [&str; 3] =
    ["UnknownOperationException", "ForbiddenException", "MissingAuthenticationTokenException"];

/// Error codes of accounts that do not have the service or the Region.
const NOT_SUBSCRIBED: [&str; 2] = ["OptInRequired", "SubscriptionRequiredException"];

/// A request that Connect must refuse, and where it went.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) identity: &'a Identity,
    pub(super) target: &'a ServiceTarget,
    /// Where the endpoint's URL comes from.
    pub(super) source: EndpointSource,
    pub(super) service: Service,
    /// The proxy and its variable, if one is used.
    pub(super) proxy: Option<&'a str>,
    /// Whether requests are signed.
    pub(super) is_signed: bool,
}

/// What the answer says.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) results: Vec<CheckResult>,
    /// Whether Connect answered, or a service like it.
    pub(super) is_answered: bool,
    /// Whether another request would be answered by more than the same refusal.
    pub(super) may_ask: bool,
    /// The answer, if it refuses the time of the signature.
    pub(super) clock_refusal: Option<String>,
}

impl Verdict {
    fn end(result: CheckResult) -> Self {
        Verdict { results: vec![result], is_answered: false, may_ask: false, clock_refusal: None }
    }
}

impl Question<'_> {
    /// Judges the answer.
    pub(super) fn judge(&self, probe: &PermissionProbe) -> Verdict {
        let Some(error) = &probe.error else {
            let found = format!(
                "{} accepted a request that exceeds the documented limits, and may have created a contact",
                self.service.name()
            );
            let remedy = format!("check {}: is this Amazon Connect?", self.source.name());
            return Verdict::end(CheckResult::fail(ENDPOINT, ExitCode::Fatal, found, &remedy));
        };
        if is_proxy_code(&error.cause().code) {
            return Verdict::end(target::of_proxy(error, &self.target.host()));
        }
        match &probe.responder {
            Responder::NoResponse(failure) => Verdict::end(self.unanswered(error, *failure)),
            Responder::Other(response) => Verdict::end(self.answered_by_another(error, response)),
            Responder::Service => self.answered(error),
        }
    }

    /// No response came.
    fn unanswered(&self, error: &AttemptError, failure: Option<ConnectionFailure>) -> CheckResult {
        let found = connect::described(error);
        let host = self.target.host();
        match error {
            // The message ends with the remedy.
            AttemptError::CredentialsUnavailable(_) => {
                CheckResult::fail(CREDENTIALS, ExitCode::TryLater, found, "")
            }
            AttemptError::NoCredentials(_) => CheckResult::fail(CREDENTIALS, ExitCode::Fatal, found, ""),
            // The cause names the remedy of each certificate.
            AttemptError::Untrusted(_) => {
                let remedy = format!("check first that {host} is the server that is meant");
                CheckResult::fail(ENDPOINT, ExitCode::Usage, found, &remedy)
            }
            AttemptError::NotSent(_) => {
                let remedy = self.connection_remedy(failure.unwrap_or(ConnectionFailure::Other));
                CheckResult::fail(ENDPOINT, ExitCode::TryLater, found, &remedy)
            }
            AttemptError::MaybeSent(_) => {
                let remedy = match (failure, self.proxy) {
                    (Some(failure), _) => self.connection_remedy(failure),
                    (None, Some(proxy)) => {
                        format!("check the proxy {proxy} and its rules for {host}; then try again")
                    }
                    (None, None) => {
                        let source = self.source.name();
                        format!("check {source} and any firewall on the way to {host}; then try again")
                    }
                };
                CheckResult::fail(ENDPOINT, ExitCode::TryLater, found, &remedy)
            }
            _ => {
                let remedy = "nothing was sent: look for stray characters in the credentials, the Region and the endpoint's \
                              URL";
                CheckResult::fail("request", ExitCode::Fatal, found, remedy)
            }
        }
    }

    /// No connection was made. Failures of a proxy have a check of their own.
    fn connection_remedy(&self, failure: ConnectionFailure) -> String {
        let (host, region, source) = (self.target.authority(), &self.target.region, self.source.name());
        match (failure, self.proxy) {
            (ConnectionFailure::Name, _)
                if self.source == EndpointSource::Region && host.contains("-fips.") =>
            {
                format!(
                    "{region} may have no FIPS endpoint of Amazon Connect: unset AWS_USE_FIPS_ENDPOINT (use_fips_endpoint \
                     in the profile) where it is not required; otherwise this machine's DNS does not know {host}"
                )
            }
            (ConnectionFailure::Name, _) if self.source == EndpointSource::Region => format!(
                "check the Region: does {region} have Amazon Connect? Otherwise this machine's DNS does not know {host}"
            ),
            (ConnectionFailure::Name, _) => {
                format!("check {source}, and whether this machine's DNS knows {host}")
            }
            (ConnectionFailure::Refused, _) => {
                format!("no program accepts connections at {host}: check {source} and any firewall")
            }
            (ConnectionFailure::Timeout, _) => format!(
                "check the way to {host}: a route or a proxy (HTTPS_PROXY), and the security group of a VPC endpoint"
            ),
            (ConnectionFailure::Tls, _) => format!(
                "check that {host} serves TLS, and name the authority of its certificate with --ca-bundle"
            ),
            (ConnectionFailure::Other, Some(proxy)) => {
                format!("check the proxy {proxy}, its rules for {host}, and the network")
            }
            (ConnectionFailure::Other, None) => format!("check the network, and {source}: {host}"),
        }
    }

    /// Another program answered in Connect's place.
    fn answered_by_another(&self, error: &AttemptError, response: &str) -> CheckResult {
        let exit = match error {
            AttemptError::MaybeSent(_) | AttemptError::Throttled(_) => ExitCode::TryLater,
            _ => ExitCode::Fatal,
        };
        let (host, source) = (self.target.authority(), self.source.name());
        let found = format!("something other than Amazon Connect answers: {response}");
        let remedy = match self.proxy {
            Some(proxy) if self.source == EndpointSource::Region => {
                format!("check the proxy {proxy} and its rules for {host}")
            }
            Some(proxy) => format!("check the proxy {proxy} and its rules for {host}, and {source}"),
            None if self.source == EndpointSource::Region => {
                format!("check the network: a gateway, firewall or portal answers in the place of {host}")
            }
            None => format!(
                "check {source}: is {host} Amazon Connect, and does a gateway or firewall answer in its place?"
            ),
        };
        CheckResult::fail(ENDPOINT, exit, found, &remedy)
    }

    /// Connect answered, or another AWS service.
    fn answered(&self, error: &AttemptError) -> Verdict {
        let code = error.cause().code.as_str();
        let found = connect::described(error);
        let is_unknown = OTHER_SERVICE.contains(&code) || code.starts_with("HTTP");
        if is_unknown && matches!(error, AttemptError::Denied(_)) {
            if !self.is_signed {
                let remedy = format!("remove --no-sign-request, and check {}", self.source.name());
                return Verdict::end(CheckResult::fail(ENDPOINT, ExitCode::Fatal, found, &remedy));
            }
            let found = format!("an AWS service answers that does not know the operation ({found})");
            let host = self.target.authority();
            let remedy =
                format!("check {}: {host} is not the endpoint of Amazon Connect", self.source.name());
            return Verdict::end(CheckResult::fail(ENDPOINT, ExitCode::Fatal, found, &remedy));
        }
        if let AttemptError::MaybeSent(_) = error {
            let found = format!("{} answers with {found}", self.service.name());
            let remedy = "try again later";
            return Verdict::end(CheckResult::fail(ENDPOINT, ExitCode::TryLater, found, remedy));
        }
        let answers = match self.service {
            Service::Connect | Service::Sandbox => format!("{} answers", self.service.name()),
            Service::Local | Service::Other(_) => {
                format!("{} answers as Amazon Connect does", self.service.name())
            }
        };
        let mut verdict = Verdict {
            results: vec![CheckResult::pass(ENDPOINT, answers)],
            is_answered: true,
            may_ask: true,
            clock_refusal: None,
        };
        if let AttemptError::Clock(_) = error {
            (verdict.may_ask, verdict.clock_refusal) = (false, Some(found));
            return verdict;
        }
        let result = self.refusal(error);
        let is_refused = matches!(result.check, CREDENTIALS | connect::INSTANCE | connect::ACCOUNT);
        verdict.may_ask = !is_refused;
        verdict.results.push(result);
        verdict
    }

    /// The refusal of the request by the service.
    fn refusal(&self, error: &AttemptError) -> CheckResult {
        let Identity { operation, instance_id, .. } = self.identity;
        let code = error.cause().code.as_str();
        let found = connect::described(error);
        let fatal = |check, remedy: &str| CheckResult::fail(check, ExitCode::Fatal, found.clone(), remedy);
        let unknown = |remedy| CheckResult::warn(PERMISSION, format!("not judged: {found}"), remedy);
        match error {
            AttemptError::Denied(_) if !self.is_signed => fatal(CREDENTIALS, "remove --no-sign-request"),
            AttemptError::Denied(_) if is_credentials_error(code) => {
                fatal(CREDENTIALS, credentials_remedy(code))
            }
            AttemptError::Denied(_) if NOT_SUBSCRIBED.contains(&code) => {
                let region = &self.target.region;
                let remedy = format!("enable the Region {region}, and Amazon Connect in it, for the account");
                fatal(connect::ACCOUNT, &remedy)
            }
            AttemptError::Denied(_) => {
                fatal(PERMISSION, &denial_remedy(error.cause().message.as_str(), *operation))
            }
            AttemptError::NotFound(_) => fatal(connect::INSTANCE, connect::WRONG_INSTANCE),
            AttemptError::Throttled(_) => unknown("another program uses the quota now; try again later"),
            AttemptError::QuotaExceeded(_) | AttemptError::ChainOrQuota(_) => {
                fatal("quota", "ask AWS Support to raise it")
            }
            AttemptError::Refused(_) if VALIDATION.contains(&code) && !self.is_signed => CheckResult::warn(
                PERMISSION,
                "not judged: requests are not signed",
                "remove --no-sign-request for Amazon Connect",
            ),
            AttemptError::Refused(_) if VALIDATION.contains(&code) => {
                // AWS does not document that permissions are checked before the request is validated.
                let found = format!(
                    "{operation} on instance {instance_id} was validated and not denied ({code}); only a pilot (run \
                     --limit 1) proves the permission"
                );
                CheckResult::pass(PERMISSION, found)
            }
            _ => unknown("find out by a pilot: run --limit 1"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CheckStatus;
    use crate::ledger::Cause;
    use crate::request::Operation;
    use crate::submission::ClockRefusal;

    fn cause(code: &str, message: &str) -> Cause {
        Cause { code: code.into(), message: message.into() }
    }

    /// The verdict on an answer of this responder.
    fn judged(error: Option<AttemptError>, responder: Responder, is_signed: bool) -> Verdict {
        judged_at("https://connect.eu-west-2.amazonaws.com", error, responder, is_signed)
    }

    fn judged_at(url: &str, error: Option<AttemptError>, responder: Responder, is_signed: bool) -> Verdict {
        let identity = Identity {
            instance_id: "i".into(),
            operation: Operation::CreateContact,
            namespace: String::new(),
            key: Vec::new(),
            key_comparison: Default::default(),
            shard: None,
        };
        let target = ServiceTarget::new("eu-west-2".into(), url.to_owned());
        let question = Question {
            identity: &identity,
            target: &target,
            source: EndpointSource::Region,
            service: Service::Connect,
            proxy: None,
            is_signed,
        };
        question.judge(&PermissionProbe { error, responder, server_time_s: None })
    }

    /// Checks, status and remedy of the last result.
    fn last(error: AttemptError, responder: Responder) -> (&'static str, CheckStatus, String) {
        let last = judged(Some(error), responder, true).results.pop().unwrap();
        (last.check, last.status, last.remedy)
    }

    const FATAL: CheckStatus = CheckStatus::Fail(ExitCode::Fatal);
    const LATER: CheckStatus = CheckStatus::Fail(ExitCode::TryLater);

    #[test]
    fn each_refusal_by_connect_is_attributed_to_its_cause() {
        type Kind = fn(Cause) -> AttemptError;
        let cases: [(Kind, &str, &str, &str, CheckStatus, &str); 14] = [
            (AttemptError::Refused, "InvalidParameterException", "m", "permission", CheckStatus::Pass, ""),
            (AttemptError::Refused, "SerializationException", "m", "permission", CheckStatus::Warn, "pilot"),
            (
                |cause| AttemptError::Throttled(cause.into()),
                "ThrottlingException",
                "m",
                "permission",
                CheckStatus::Warn,
                "later",
            ),
            (AttemptError::Denied, "AccessDeniedException", "m", "permission", FATAL, "chapter Operations"),
            (AttemptError::Denied, "ExpiredToken", "m", "credentials", FATAL, "log in"),
            (AttemptError::Denied, "UnrecognizedClientException", "m", "credentials", FATAL, "partition"),
            (AttemptError::Denied, "SignatureDoesNotMatch", "m", "credentials", FATAL, "secret access key"),
            (AttemptError::Denied, "OptInRequired", "m", "account", FATAL, "Region eu-west-2"),
            (AttemptError::NotFound, "ResourceNotFoundException", "m", "instance", FATAL, "instance id"),
            (AttemptError::QuotaExceeded, "ServiceQuotaExceededException", "m", "quota", FATAL, "Support"),
            (AttemptError::Denied, "UnknownOperationException", "m", "endpoint", FATAL, "the Region"),
            (
                |cause| AttemptError::MaybeSent(cause.into()),
                "InternalServiceException",
                "m",
                "endpoint",
                LATER,
                "later",
            ),
            // As a run judges them: without a code the status counts.
            (|cause| AttemptError::MaybeSent(cause.into()), "HTTP503", "", "endpoint", LATER, "later"),
            (
                |cause| AttemptError::Throttled(cause.into()),
                "HTTP429",
                "",
                "permission",
                CheckStatus::Warn,
                "later",
            ),
        ];
        for (kind, code, message, check, status, remedy) in cases {
            let found = last(kind(cause(code, message)), Responder::Service);
            assert_eq!((found.0, found.1), (check, status), "{code}");
            assert!(found.2.contains(remedy), "{code}: {}", found.2);
            let is_iam = found.2.contains("allow connect:");
            assert_eq!(is_iam, code == "AccessDeniedException", "{code}");
        }
    }

    #[test]
    fn only_an_answer_of_the_service_says_that_connect_answers() {
        let none = || AttemptError::Denied(cause("NotSigned", "no endpoint"));
        let html = || Responder::Other("HTTP 403, text/html".into());
        for (error, responder) in [
            (none(), Responder::NoResponse(None)),
            (AttemptError::Denied(cause("HTTP403", "")), html()),
            (AttemptError::MaybeSent(cause("NoAnswer", "").into()), html()),
            (AttemptError::NotSent(cause("OutOfReach", "")), Responder::NoResponse(None)),
        ] {
            let verdict = judged(Some(error), responder, true);
            assert!(!verdict.is_answered && !verdict.may_ask, "{verdict:?}");
            let [result] = &verdict.results[..] else { panic!("{verdict:?}") };
            assert!(
                matches!(result.status, CheckStatus::Fail(_)) && result.check != PERMISSION,
                "{result:?}"
            );
        }
        let verdict =
            judged(Some(AttemptError::Denied(cause("AccessDeniedException", ""))), Responder::Service, true);
        assert_eq!(verdict.results[0].found, "Amazon Connect answers");
    }

    #[test]
    fn a_connection_that_is_not_made_is_no_matter_of_permissions() {
        for (failure, remedy) in [
            (ConnectionFailure::Name, "does eu-west-2 have Amazon Connect?"),
            (ConnectionFailure::Refused, "no program accepts connections at connect.eu-west-2.amazonaws.com"),
            (ConnectionFailure::Timeout, "security group of a VPC endpoint"),
            (ConnectionFailure::Tls, "--ca-bundle"),
            (ConnectionFailure::Other, "the network"),
        ] {
            let error = AttemptError::NotSent(cause("OutOfReach", "m"));
            let found = last(error, Responder::NoResponse(Some(failure)));
            assert_eq!((found.0, found.1), ("endpoint", LATER));
            assert!(found.2.contains(remedy), "{}", found.2);
        }
    }

    #[test]
    fn a_fips_host_without_an_address_is_the_variables_matter() {
        let error = AttemptError::NotSent(cause("OutOfReach", "dns error"));
        let responder = Responder::NoResponse(Some(ConnectionFailure::Name));
        let url = "https://connect-fips.eu-west-2.amazonaws.com";
        let verdict = judged_at(url, Some(error), responder, true);
        assert!(verdict.results[0].remedy.contains("unset AWS_USE_FIPS_ENDPOINT"), "{verdict:?}");
    }

    #[test]
    fn a_refused_time_is_the_clocks_matter_and_nothing_else_is_asked() {
        let cause = cause("InvalidSignatureException", "Signature expired");
        let refusal = ClockRefusal { cause, offset: None, is_corrected: false };
        let verdict = judged(Some(AttemptError::Clock(refusal)), Responder::Service, true);
        assert!(verdict.clock_refusal.is_some() && !verdict.may_ask, "{verdict:?}");
        assert_eq!(verdict.results.len(), 1, "{verdict:?}");
    }

    #[test]
    fn unsigned_requests_say_nothing_about_a_permission() {
        let valid = AttemptError::Refused(cause("InvalidParameterException", "m"));
        let verdict = judged(Some(valid), Responder::Service, false);
        assert_eq!(verdict.results[1].status, CheckStatus::Warn);
        assert!(verdict.results[1].found.starts_with("not judged"), "{verdict:?}");
        let denied = AttemptError::Denied(cause("AccessDeniedException", "m"));
        assert_eq!(
            judged(Some(denied), Responder::Service, false).results[1].remedy,
            "remove --no-sign-request"
        );
        let accepted = judged(None, Responder::Service, true).results.pop().unwrap();
        assert_eq!((accepted.check, accepted.status), ("endpoint", FATAL));
    }
}
