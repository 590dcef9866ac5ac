//! What to do about a refusal by Connect, by its error code and message.

use crate::request::Operation;

/// What to do about an error code of invalid credentials.
pub(super) fn credentials_remedy(code: &str) -> &'static str {
    match code {
        "SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature" => {
            "check the secret access key: it is not that of the access key, or a proxy changes the request"
        }
        "UnrecognizedClientException" | "InvalidClientTokenId" => {
            "check the access key: it does not exist, is inactive, or belongs to another partition, as those of GovCloud and \
             China do"
        }
        _ => "log in again",
    }
}

/// What to change so that the request is allowed: the policy that the message names (IAM user guide, Troubleshoot access
/// denied error messages), or the caller's.
pub(super) fn denial_remedy(message: &str, operation: Operation) -> String {
    let message = message.to_lowercase();
    let action = format!("connect:{operation}");
    let policies = [
        ("vpc endpoint policy", "the policy of the VPC endpoint"),
        ("service control policy", "the service control policy of the AWS organization"),
        ("resource control policy", "the resource control policy of the AWS organization"),
        ("permissions boundary", "the permissions boundary of the role or user"),
        ("session policy", "the policy of the session"),
    ];
    if let Some((_, policy)) = policies.iter().find(|(words, _)| message.contains(words)) {
        return format!("allow {action} in {policy}");
    }
    if message.contains("explicit deny") {
        return format!("remove the statement that denies {action} from the policy");
    }
    let resource = match operation {
        Operation::CreateContact => "the instance, its contact/* and its agent/*",
        Operation::StartTaskContact => "the flow, the quick connect or the task template",
    };
    format!("allow {action} on {resource}; the handbook has the policy: chapter Operations, Permissions")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_remedied_in_the_policy_that_denies() {
        let remedy = |message: &str| denial_remedy(message, Operation::CreateContact);
        for (message, expected) in [
            (
                "User: arn is not authorized to perform: connect:CreateContact because no VPC endpoint policy allows the \
                 connect:CreateContact action",
                "the policy of the VPC endpoint",
            ),
            ("with an explicit deny in a VPC endpoint policy", "the policy of the VPC endpoint"),
            ("with an explicit deny in a service control policy", "the service control policy"),
            ("because no permissions boundary allows it", "the permissions boundary"),
            ("because no session policy allows it", "the policy of the session"),
            ("with an explicit deny in an identity-based policy", "remove the statement that denies"),
            ("because no identity-based policy allows it", "its contact/* and its agent/*"),
            ("", "chapter Operations, Permissions"),
        ] {
            assert!(remedy(message).contains(expected), "{message}: {}", remedy(message));
            assert!(remedy(message).contains("connect:CreateContact"), "{message}");
        }
        assert!(denial_remedy("", Operation::StartTaskContact).contains("the flow"));
    }

    #[test]
    fn credentials_are_remedied_by_their_error() {
        assert_eq!(credentials_remedy("ExpiredToken"), "log in again");
        assert!(credentials_remedy("InvalidClientTokenId").contains("another partition"));
        assert!(credentials_remedy("SignatureDoesNotMatch").contains("secret access key"));
    }
}
