//! The time of a signature: when its refusal is the clock's, and how far this machine's clock is off. Pure.

use crate::ledger::Cause;

/// Difference between the time of a signature and the service's above which the clock is the reason of a refusal,
/// seconds: the threshold of the AWS SDKs (aws-runtime, `service_clock_skew`). Signature Version 4 allows five minutes.
const MAX_DIFFERENCE_S: u64 = 4 * 60;

/// Error codes of a wrong time, whatever the clocks say.
pub(super) const TIME_CODES: &[&str] = &["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"];

/// Error codes that may be due to a wrong time: the AWS SDKs' lists (aws-runtime, `CLOCK_SKEW_ERROR_CODES`; AWS SDK for
/// JavaScript, `CLOCK_SKEW_ERROR_CODES`) without those above.
pub(super) const SKEW_CODES: &[&str] =
    &["InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure", "AccessDeniedException"];

/// Messages of `InvalidSignatureException` and `SignatureDoesNotMatch` for a wrong time (IAM user guide, troubleshooting
/// of Signature Version 4).
const TIME_MESSAGES: &[&str] = &["Signature expired", "Signature not yet current"];

/// Service's time minus this machine's, seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockOffset(pub i64);

impl ClockOffset {
    /// Whether it is too large for a signature.
    pub fn is_large(self) -> bool {
        self.0.unsigned_abs() > MAX_DIFFERENCE_S
    }
}

/// Times of a signed request and of its answer, in seconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ClockReading {
    /// Time that the request was signed with.
    pub(super) signed_s: i64,
    /// This machine's time, half way between request and answer.
    pub(super) own_s: i64,
    /// The service's time, as the answer has it.
    pub(super) service_s: i64,
    /// Whether later requests are signed with the service's time.
    pub(super) is_adopted: bool,
}

/// An answer that refuses the time of the signature: not created.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClockRefusal {
    /// Code and message.
    pub cause: Cause,
    /// How far this machine's clock is off; `None` if the answer does not say the service's time.
    pub offset: Option<ClockOffset>,
    /// Whether the next request is signed with another time than this one: the service's.
    pub is_corrected: bool,
}

impl ClockRefusal {
    /// The refusal, if this error is one. The message is the service's, without redaction.
    pub(super) fn of(
        cause: &Cause,
        code: &str,
        message: &str,
        reading: Option<ClockReading>,
    ) -> Option<Self> {
        let is_skewed =
            reading.is_some_and(|reading| ClockOffset(reading.service_s - reading.signed_s).is_large());
        let is_time = TIME_CODES.contains(&code)
            || SKEW_CODES.contains(&code) && TIME_MESSAGES.iter().any(|known| message.contains(known));
        (is_time || is_skewed && SKEW_CODES.contains(&code)).then(|| ClockRefusal {
            cause: cause.clone(),
            offset: reading.map(|reading| ClockOffset(reading.service_s - reading.own_s)),
            is_corrected: is_skewed && reading.is_some_and(|reading| reading.is_adopted),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    /// A request signed `signed` seconds after now, and answered by a service whose clock is at `service`.
    fn reading(signed: i64, service: i64) -> Option<ClockReading> {
        Some(ClockReading { signed_s: NOW + signed, own_s: NOW, service_s: NOW + service, is_adopted: true })
    }

    fn refusal(code: &str, message: &str, reading: Option<ClockReading>) -> Option<(Option<i64>, bool)> {
        let cause = Cause { code: code.into(), message: "m".into() };
        let refusal = ClockRefusal::of(&cause, code, message, reading)?;
        Some((refusal.offset.map(|offset| offset.0), refusal.is_corrected))
    }

    #[test]
    fn a_refusal_is_the_clocks_by_its_code_its_message_or_the_difference_of_the_clocks() {
        let (late, agreed) = (reading(0, 600), reading(0, 200));
        for code in ["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"] {
            assert_eq!(refusal(code, "", None), Some((None, false)), "{code}");
            assert_eq!(refusal(code, "", agreed), Some((Some(200), false)), "{code}");
        }
        for code in
            ["InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure", "AccessDeniedException"]
        {
            assert_eq!(refusal(code, "", late), Some((Some(600), true)), "{code}");
            assert_eq!(refusal(code, "", agreed), None, "{code}");
            assert_eq!(refusal(code, "", None), None, "{code}");
        }
        let expired = "Signature expired: 20261130T120000Z is now earlier than 20261130T121000Z";
        assert_eq!(refusal("InvalidSignatureException", expired, None), Some((None, false)));
        let early = "Signature not yet current: 20261130T123000Z is still later than 20261130T120500Z";
        assert_eq!(refusal("SignatureDoesNotMatch", early, reading(0, -3600)), Some((Some(-3600), true)));
        assert_eq!(refusal("ThrottlingException", "", late), None);
        assert_eq!(refusal("ExpiredTokenException", "", late), None);
    }

    #[test]
    fn a_request_that_was_signed_with_the_services_time_is_not_refused_for_this_machines_clock() {
        // The clock is an hour behind, and known to be.
        let corrected = reading(3600, 3600);
        assert_eq!(refusal("AccessDeniedException", "", corrected), None);
        assert_eq!(refusal("RequestTimeTooSkewed", "", corrected), Some((Some(3600), false)));
        // The clock is right, and an earlier answer had a wrong date.
        assert_eq!(refusal("InvalidSignatureException", "", reading(-3600, 0)), Some((Some(0), true)));
    }

    #[test]
    fn without_the_sdks_correction_no_later_request_is_signed_otherwise() {
        let reading = reading(0, 600).map(|reading| ClockReading { is_adopted: false, ..reading });
        assert_eq!(refusal("InvalidSignatureException", "", reading), Some((Some(600), false)));
    }
}
