//! A clock that is off: corrected from the answer's date once, told, and named where that does not help.

use std::process::Command;

use jiff::{SignedDuration, Timestamp};

use crate::support::*;

/// The date that a service sends whose clock is `ahead` of this machine's.
fn date(ahead: SignedDuration) -> String {
    (Timestamp::now() + ahead).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// How far the time of a request's signature is from the time of a service.
fn difference(request: &Request, ahead: SignedDuration) -> SignedDuration {
    let signed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &request.headers["x-amz-date"]).unwrap();
    let signed = jiff::tz::TimeZone::UTC.to_timestamp(signed).unwrap();
    (Timestamp::now() + ahead).duration_since(signed).abs()
}

/// A service whose clock is `ahead`, and that accepts signatures of five minutes at most, as Connect does.
fn strict(ahead: SignedDuration, code: &'static str, accepted: &'static str) -> Endpoint {
    Endpoint::serve(move |request| {
        let date = ("date", date(ahead));
        match difference(request, ahead) <= SignedDuration::from_mins(5) {
            true => Reply::Raw(200, vec![date], accepted.to_owned()),
            false => {
                let code = ("x-amzn-errortype", code.to_owned());
                Reply::Raw(403, vec![date, code], r#"{"message":"Signature expired: x"}"#.to_owned())
            }
        }
    })
}

const CREATED: &str = r#"{"ContactId":"166c4e33-95aa-4c39-bde3-e89df8bd205c"}"#;

fn import_signed(folder: &Folder, url: &str, change: impl FnOnce(&mut Command)) -> Ended {
    let mut command = folder.command(&run_signed(url, &["--concurrency", "1", "--output", "json"]));
    command.envs(USER_KEYS);
    change(&mut command);
    Ended::from(command.output().unwrap())
}

fn with_rows(rows: usize) -> Folder {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(rows));
    folder
}

#[test]
fn a_clock_that_is_off_is_corrected_from_the_answers_date_and_told_once() {
    for (minutes, words) in [(12, "behind"), (-90, "ahead of")] {
        for code in ["InvalidSignatureException", "AccessDeniedException", "RequestTimeTooSkewed"] {
            let folder = with_rows(1);
            let connect = strict(SignedDuration::from_mins(minutes), code, CREATED);
            let ended = import_signed(&folder, &connect.url(), |_| ()).expect(0);
            assert_eq!(ended.stdout.matches("\"message_type\":\"clock\"").count(), 1, "{}", ended.stdout);
            let clock = messages(&ended.stdout).remove("clock").unwrap();
            let seconds = clock["seconds_behind"].as_i64().unwrap();
            assert!((seconds - 60 * minutes).abs() < 60, "{clock}");
            assert!(ended.stderr.contains(&format!("{words} the service's; set it")), "{}", ended.stderr);
            assert_eq!(folder.states("t.ledger.db"), "created 1");
            assert_eq!(connect.received().len(), 2);
        }
    }
}

#[test]
fn without_the_sdks_correction_a_clock_that_is_off_stops_the_run_and_is_named() {
    let folder = with_rows(3);
    let connect = strict(SignedDuration::from_mins(12), "SignatureDoesNotMatch", CREATED);
    let ended = import_signed(&folder, &connect.url(), |command| {
        command.env("AWS_DISABLE_CLOCK_SKEW_CORRECTION", "true");
    });
    let ended = ended.expect(7);
    assert!(ended.stdout.contains("this machine's clock is 1"), "{}", ended.stdout);
    assert!(ended.stdout.contains("behind the service's"), "{}", ended.stdout);
    assert_eq!(folder.states("t.ledger.db"), "pending 3");
}

#[test]
fn a_service_that_refuses_the_corrected_time_too_stops_the_run() {
    let folder = with_rows(3);
    // Caches with different times, for instance.
    let connect = Endpoint::serve(|request| {
        let ahead = SignedDuration::from_hours(if request.number % 2 == 0 { 1 } else { -1 });
        let headers = vec![("date", date(ahead)), ("x-amzn-errortype", "RequestExpired".to_owned())];
        Reply::Raw(400, headers, "{}".to_owned())
    });
    let ended = import_signed(&folder, &connect.url(), |_| ()).expect(7);
    assert!(connect.received().len() <= 4, "{}", connect.received().len());
    assert!(ended.stdout.contains("Connect refuses the time of the signature"), "{}", ended.stdout);
    assert_eq!(folder.states("t.ledger.db"), "pending 3");
}

#[test]
fn a_denial_is_a_denial_where_the_clocks_agree_or_a_cache_answers() {
    for age in [None, Some("7")] {
        let folder = with_rows(3);
        let connect = Endpoint::serve(move |_| {
            let ahead = SignedDuration::from_mins(if age.is_some() { -60 } else { 1 });
            let mut headers =
                vec![("date", date(ahead)), ("x-amzn-errortype", "AccessDeniedException".to_owned())];
            headers.extend(age.map(|age| ("age", age.to_owned())));
            Reply::Raw(403, headers, "{}".to_owned())
        });
        let ended = import_signed(&folder, &connect.url(), |_| ()).expect(7);
        assert_eq!(connect.received().len(), 1);
        assert!(ended.stdout.contains("AccessDeniedException"), "{}", ended.stdout);
        assert!(!ended.stdout.contains("refuses the time"), "{}", ended.stdout);
        assert_eq!(folder.states("t.ledger.db"), "pending 3");
    }
}

#[test]
fn doctor_warns_of_a_clock_that_a_run_corrects_and_fails_where_a_run_would_end() {
    for (disabled, exit, found) in [
        ("false", 0, "warn  clock        7"),
        (
            "true",
            7,
            "fail  clock        SignatureDoesNotMatch: Signature expired: x; this machine's clock is 7",
        ),
    ] {
        let folder = with_rows(1);
        let ahead = SignedDuration::from_mins(12);
        let connect = Endpoint::serve(move |request| {
            let date = ("date", date(ahead));
            if difference(request, ahead) > SignedDuration::from_mins(5) {
                let code = ("x-amzn-errortype", "SignatureDoesNotMatch".to_owned());
                return Reply::Raw(403, vec![date, code], r#"{"message":"Signature expired: x"}"#.to_owned());
            }
            match &*request.method {
                "PUT" => {
                    let code = ("x-amzn-errortype", "InvalidParameterException".to_owned());
                    Reply::Raw(400, vec![date, code], r#"{"message":"Client token is too long"}"#.to_owned())
                }
                _ => Reply::Raw(200, vec![date], r#"{"Instance":{"InstanceStatus":"ACTIVE"}}"#.to_owned()),
            }
        });
        let url = connect.url();
        let mut command = folder.command(&[&["doctor"], &run_signed(&url, &[])[1..]].concat());
        command.envs(USER_KEYS).env("AWS_DISABLE_CLOCK_SKEW_CORRECTION", disabled);
        let ended = Ended::from(command.output().unwrap()).expect(exit);
        assert!(ended.stdout.contains(found), "{}", ended.stdout);
    }
}

#[test]
fn the_owner_of_the_credentials_is_known_although_the_clock_is_off() {
    let ahead = SignedDuration::from_mins(-20);
    let folder = with_rows(1);
    let connect = strict(ahead, "InvalidSignatureException", CREATED);
    let sts = Endpoint::serve(move |request| {
        let date = ("date", date(ahead));
        match difference(request, ahead) <= SignedDuration::from_mins(5) {
            true => Reply::Raw(
                200,
                vec![date],
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                 <GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/me</Arn><UserId>U</UserId>\
                 <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
                    .to_owned(),
            ),
            false => Reply::Raw(
                403,
                vec![date],
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                 <Code>SignatureDoesNotMatch</Code><Message>Signature not yet current: x</Message></Error>\
                 <RequestId>r</RequestId></ErrorResponse>"
                    .to_owned(),
            ),
        }
    });
    let url = format!("http://0.0.0.0:{}", connect.port);
    let ended = import_signed(&folder, &url, |command| {
        command.env("AWS_ENDPOINT_URL_STS", sts.url());
    });
    let announcement = messages(&ended.expect(0).stdout).remove("announcement").unwrap();
    assert_eq!(announcement["account"], "111122223333", "{announcement}");
    assert_eq!((sts.received().len(), connect.received().len()), (2, 2));
}
