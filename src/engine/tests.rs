//! Runs of the engine, one behaviour each.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

use super::testing::{Fixture, Outcome, SECOND, all_created, always};
use super::{Ending, ErrorBudget, ImportError};
use crate::control_signals::ControlSignal;
use crate::event::RunEvent;
use crate::ledger::{LedgerReader, RowState};
use crate::pacing::{PoolFailure, Rate};
use crate::shutdown::Signal;
use crate::submission::OnUnknown;
use crate::submission::fake::{FakeAttempt, FakeReply, FakeSubmitter};

#[test]
fn every_waiting_row_is_sent_once_in_the_order_of_the_file_within_the_rate() {
    let fixture = Fixture::with_rows(25);
    let outcome = fixture.run(all_created(), |_| ());
    assert_eq!((outcome.ending(), outcome.progress().created), (&Ending::Complete, 25));
    assert_eq!(outcome.lines(), (2..=26).collect::<Vec<_>>());
    assert_eq!(fixture.count(RowState::Created), 25);
    let (first, last) = (outcome.attempts[0].at, outcome.attempts[24].at);
    assert!(last - first >= Duration::from_millis(2300), "{:?}", last - first);
}

#[test]
fn an_outage_pauses_the_run_and_uses_up_no_attempts_until_it_ends() {
    let fixture = Fixture::with_rows(5);
    let submitter = FakeSubmitter::new(|attempt| match attempt.number {
        2..=20 => FakeReply::unanswered().after(5 * SECOND),
        _ => FakeReply::created(),
    });
    let outcome = fixture.run(submitter, |import| import.policy.max_attempts = 2);
    assert_eq!((outcome.ending(), outcome.progress().created), (&Ending::Complete, 5));
    assert_eq!(outcome.progress().unanswered, 19);
    assert!(outcome.attempts.iter().any(|attempt| attempt.number_of_token > 2));
    let pauses = outcome.pauses();
    assert!(pauses.len() > 3 && pauses.iter().all(|(failure, _)| *failure == PoolFailure::Unanswered));
    assert!(pauses.last().unwrap().1 > 4 * pauses[0].1, "{pauses:?}");
}

#[test]
fn an_outage_without_end_ends_the_run_and_leaves_every_sent_row_in_doubt() {
    let fixture = Fixture::with_rows(5);
    let outcome = fixture.run(always(FakeReply::unanswered().after(5 * SECOND)), |_| ());
    assert!(matches!(outcome.ending(), Ending::Unanswered(_)), "{:?}", outcome.ending());
    assert_eq!(fixture.count(RowState::Pending), 5);
    for attempt in &outcome.attempts {
        assert!(fixture.row(attempt.token).doubt_ms.is_some());
    }
}

#[test]
fn a_row_that_alone_goes_unanswered_uses_up_its_attempts_and_does_not_pause_the_run() {
    let fixture = Fixture::with_rows(30);
    let submitter = FakeSubmitter::new(|attempt| match attempt.line {
        3 => FakeReply::unanswered().after(SECOND),
        _ => FakeReply::created(),
    });
    let outcome = fixture.run(submitter, |import| import.policy.max_attempts = 2);
    assert!(matches!(outcome.ending(), Ending::Unanswered(_)), "{:?}", outcome.ending());
    assert_eq!(outcome.progress().created, 29);
    let sent: Vec<&FakeAttempt> = outcome.attempts.iter().filter(|attempt| attempt.line == 3).collect();
    assert_eq!((sent.len(), outcome.pauses()), (2, Vec::new()));
    assert!(fixture.row(sent[0].token).doubt_ms.is_some());
}

#[test]
fn held_rows_are_sent_one_at_a_time_into_an_outage_and_never_again() {
    let fixture = Fixture::with_rows(40);
    let outcome = fixture.run(always(FakeReply::unanswered().after(5 * SECOND)), |import| {
        import.policy.on_unknown = OnUnknown::Hold;
        import.rate = Rate::Fixed(100.0);
    });
    assert!(matches!(outcome.ending(), Ending::Unanswered(_)), "{:?}", outcome.ending());
    assert!(outcome.attempts.iter().all(|attempt| attempt.number_of_token == 1));
    assert_probes_are_apart(&outcome, 5 * SECOND);
    let sent = outcome.attempts.len() as u64;
    assert_eq!((fixture.count(RowState::Unknown), fixture.count(RowState::Pending)), (sent, 40 - sent));
}

#[test]
fn held_rows_that_wait_for_the_rate_when_an_outage_begins_are_not_sent_together() {
    let fixture = Fixture::with_rows(40);
    let latency = Duration::from_millis(900);
    // At two requests per second, two attempts wait for their permits when the second one goes unanswered.
    let outcome = fixture.run(always(FakeReply::unanswered().after(latency)), |import| {
        import.policy.on_unknown = OnUnknown::Hold;
        import.rate = Rate::Fixed(2.0);
    });
    assert!(matches!(outcome.ending(), Ending::Unanswered(_)), "{:?}", outcome.ending());
    assert_probes_are_apart(&outcome, latency);
}

/// Asserts that, after the second attempt went unanswered, each attempt begins when the one before has ended.
fn assert_probes_are_apart(outcome: &Outcome, latency: Duration) {
    let detected = outcome.attempts[1].at + latency;
    let probes: Vec<Instant> =
        outcome.attempts.iter().map(|attempt| attempt.at).filter(|at| *at >= detected).collect();
    assert!(probes.len() >= 3, "{probes:?}");
    assert!(probes.windows(2).all(|pair| pair[1] - pair[0] >= latency), "{probes:?}");
}

#[test]
fn held_rows_that_waited_out_an_outage_are_created_after_it() {
    let fixture = Fixture::with_rows(40);
    let submitter = FakeSubmitter::new(|attempt| match attempt.number {
        ..=12 => FakeReply::unanswered().after(5 * SECOND),
        _ => FakeReply::created(),
    });
    let outcome = fixture.run(submitter, |import| {
        import.policy.on_unknown = OnUnknown::Hold;
        import.rate = Rate::Fixed(100.0);
    });
    assert_eq!(outcome.ending(), &Ending::Complete);
    assert_eq!((outcome.progress().unknown, outcome.progress().created), (12, 28));
    assert_eq!(outcome.attempts.len(), 40);
}

#[test]
fn throttling_uses_up_no_attempts_and_pauses_the_run() {
    let fixture = Fixture::with_rows(3);
    let replies = (0..10).map(|_| FakeReply::throttled());
    let outcome = fixture.run(FakeSubmitter::replying(replies), |import| import.policy.max_attempts = 1);
    assert_eq!((outcome.ending(), outcome.progress().created), (&Ending::Complete, 3));
    assert_eq!(outcome.progress().throttled, 10);
    assert!(outcome.pauses().iter().all(|(failure, _)| *failure == PoolFailure::Throttled));
}

#[test]
fn a_pause_that_the_service_asks_for_holds_the_whole_run_back_and_no_burst_follows_it() {
    let fixture = Fixture::with_rows(20);
    let reply = FakeReply::throttled().asking_for(60 * SECOND);
    let replies = [FakeReply::created(), reply];
    let outcome = fixture.run(FakeSubmitter::replying(replies), |import| import.burst = 5);
    assert_eq!((outcome.ending(), outcome.progress().created), (&Ending::Complete, 20));
    assert_eq!(outcome.asked_pauses(), [(PoolFailure::Throttled, 60 * SECOND)]);
    let at: Vec<Instant> = outcome.attempts.iter().map(|attempt| attempt.at).collect();
    // The burst of four was sent before the answer came.
    let resumed = at.iter().position(|at| *at >= at_least(&outcome, 60)).unwrap();
    assert!(resumed <= 4 && at.iter().skip(resumed).all(|at| *at >= at_least(&outcome, 60)), "{at:?}");
    assert!(at[resumed + 3] - at[resumed] >= Duration::from_millis(290), "{at:?}");
}

/// The start of the run's first attempt, and so many seconds.
fn at_least(outcome: &Outcome, seconds: u32) -> Instant {
    outcome.attempts[0].at + seconds * SECOND
}

#[test]
fn one_unanswered_attempt_holds_the_run_back_if_the_service_asks_for_it() {
    let fixture = Fixture::with_rows(4);
    let replies = [FakeReply::unanswered().asking_for(40 * SECOND)];
    let outcome = fixture.run(FakeSubmitter::replying(replies), |_| ());
    assert_eq!((outcome.ending(), outcome.progress().created), (&Ending::Complete, 4));
    assert_eq!(outcome.asked_pauses(), [(PoolFailure::Unanswered, 40 * SECOND)]);
    assert!(outcome.attempts[1..].iter().all(|attempt| attempt.at >= at_least(&outcome, 40)));
}

#[test]
fn a_service_that_asks_for_days_is_asked_again_after_five_minutes_and_given_up_after_as_many_failures() {
    let fixture = Fixture::with_rows(3);
    let reply = FakeReply::throttled().asking_for(7 * 24 * 3600 * SECOND);
    let outcome = fixture.run(always(reply), |_| ());
    assert!(matches!(outcome.ending(), Ending::Throttled(_)), "{:?}", outcome.ending());
    assert!(outcome.asked_pauses().iter().all(|(_, pause)| *pause == 300 * SECOND));
    // As without the header.
    assert_eq!(outcome.asked_pauses().len(), 19);
    assert_eq!(fixture.count(RowState::Pending), 3);
}

#[test]
fn a_signal_and_the_deadline_end_a_pause_that_the_service_asks_for_at_once() {
    let throttled = || always(FakeReply::throttled().asking_for(300 * SECOND));
    let fixture = Fixture::with_rows(3);
    let outcome = fixture.run_with(
        throttled(),
        |_| (),
        async |operator| {
            operator.submitter.attempt_begun(1).await;
            tokio::time::sleep(10 * SECOND).await;
            operator.interrupt();
        },
    );
    assert_eq!(outcome.ending(), &Ending::Interrupted(Signal::Interrupt));
    assert_eq!(outcome.ended - outcome.attempts[0].at, 10 * SECOND);
    let fixture = Fixture::with_rows(3);
    let outcome = fixture.run(throttled(), |import| import.deadline = Some(Instant::now() + 20 * SECOND));
    assert_eq!(outcome.ending(), &Ending::TimeBudget);
    assert_eq!(outcome.ended - outcome.attempts[0].at, 20 * SECOND);
}

#[test]
fn a_refused_clock_is_corrected_for_all_rows_in_flight_and_told_once() {
    let fixture = Fixture::with_rows(8);
    let submitter = FakeSubmitter::new(|attempt| match attempt.number {
        ..=4 => FakeReply::clock_refused().after(SECOND),
        _ => FakeReply::created(),
    });
    let outcome = fixture.run(submitter, |import| import.policy.max_attempts = 1);
    assert_eq!((outcome.ending(), outcome.progress().created), (&Ending::Complete, 8));
    let corrections: Vec<_> = outcome
        .events
        .iter()
        .filter_map(|event| match event {
            RunEvent::ClockCorrected(offset) => Some(offset.0),
            _ => None,
        })
        .collect();
    assert_eq!((corrections, outcome.attempts.len()), (vec![720], 12));
    assert!(outcome.attempts.iter().all(|attempt| fixture.row(attempt.token).doubt_ms.is_none()));
}

#[test]
fn a_clock_that_is_refused_after_its_correction_stops_the_run_and_no_row_is_rejected() {
    let fixture = Fixture::with_rows(8);
    let outcome = fixture.run(always(FakeReply::clock_refused()), |import| import.concurrency = 1);
    assert!(matches!(outcome.ending(), Ending::Clock(_)), "{:?}", outcome.ending());
    assert!(outcome.attempts.len() <= 4, "{:?}", outcome.attempts);
    assert_eq!(fixture.count(RowState::Pending), 8);
}

#[test]
fn the_rate_that_an_automatic_run_finds_between_two_throttles_is_in_the_ledger() {
    let fixture = Fixture::with_rows(150);
    let submitter = FakeSubmitter::new(|attempt| match attempt.number {
        20 | 60 | 100 => FakeReply::throttled(),
        _ => FakeReply::created(),
    });
    let outcome = fixture.run(submitter, |import| import.rate = Rate::Auto);
    assert_eq!(outcome.progress().throttled, 3);
    let found = LedgerReader::open(&fixture.path()).unwrap().rate_found().unwrap().unwrap();
    // The server took 40 requests between two throttles. While the measurements rise, the plateau is above the last one.
    let between = outcome.attempts[99].at - outcome.attempts[59].at;
    let measured = 40.0 / between.as_secs_f64();
    assert!((measured..1.5 * measured).contains(&found), "{found} of {measured}");
}

#[test]
fn a_run_that_is_drained_during_throttling_sends_nothing_more_and_leaves_no_row_in_doubt() {
    let fixture = Fixture::with_rows(9);
    let outcome = fixture.run_with(
        always(FakeReply::throttled().after(SECOND)),
        |import| import.concurrency = 1,
        async |operator| {
            operator.submitter.attempt_begun(3).await;
            operator.interrupt();
        },
    );
    assert_eq!(outcome.ending(), &Ending::Interrupted(Signal::Interrupt));
    assert_eq!((outcome.attempts.len(), outcome.progress().throttled), (3, 3));
    // The pause after the third reply is not waited for.
    assert_eq!(outcome.ended, outcome.attempts[2].at + SECOND);
    assert_eq!(fixture.count(RowState::Pending), 9);
    assert!(outcome.attempts.iter().all(|attempt| fixture.row(attempt.token).doubt_ms.is_none()));
}

#[test]
fn the_run_stops_with_the_row_that_exceeds_the_error_budget() {
    let fixture = Fixture::with_rows(9);
    let outcome = fixture.run(always(FakeReply::refused()), |import| {
        (import.concurrency, import.rate, import.burst) = (1, Rate::Fixed(10_000.0), 100);
        import.max_errors = Some(ErrorBudget::Rows(2));
    });
    assert_eq!(outcome.ending(), &Ending::ErrorBudget(ErrorBudget::Rows(2)));
    assert_eq!((outcome.attempts.len(), fixture.count(RowState::Rejected)), (3, 3));
}

#[test]
fn no_request_is_sent_after_the_deadline() {
    let fixture = Fixture::with_rows(40);
    let deadline = Arc::new(OnceLock::new());
    let outcome = fixture.run(all_created(), |import| {
        import.rate = Rate::Fixed(1.0);
        import.deadline = Some(*deadline.get_or_init(|| Instant::now() + Duration::from_millis(10_500)));
    });
    assert_eq!(outcome.ending(), &Ending::TimeBudget);
    assert!((9..=12).contains(&outcome.attempts.len()), "{}", outcome.attempts.len());
    assert!(outcome.attempts.iter().all(|attempt| attempt.at <= *deadline.get().unwrap()));
    assert_eq!(fixture.count(RowState::Created), outcome.attempts.len() as u64);
}

#[test]
fn after_sighup_the_run_goes_on_at_the_new_rate() {
    let fixture = Fixture::with_rows(30);
    let outcome = fixture.run_with(
        all_created(),
        |import| {
            import.rate = Rate::Fixed(1.0);
            import.rate_source = Box::new(|| Ok(Rate::Fixed(100.0)));
        },
        async |operator| {
            operator.submitter.attempt_begun(3).await;
            operator.control.send(ControlSignal::ReloadRate).await.unwrap();
        },
    );
    assert_eq!(outcome.ending(), &Ending::Complete);
    let at = |number: usize| outcome.attempts[number - 1].at;
    assert!(at(3) - at(1) >= Duration::from_millis(1500), "{:?}", at(3) - at(1));
    assert!(at(30) - at(3) <= SECOND, "{:?}", at(30) - at(3));
    let reloaded = |event: &RunEvent| matches!(event, RunEvent::RateReloaded(Ok(Rate::Fixed(100.0))));
    assert!(outcome.events.iter().any(reloaded));
}

#[test]
fn a_rate_that_cannot_be_reloaded_stays() {
    let fixture = Fixture::with_rows(5);
    let outcome = fixture.run_with(
        all_created(),
        |_| (),
        async |operator| {
            operator.control.send(ControlSignal::ReloadRate).await.unwrap();
        },
    );
    assert_eq!((outcome.ending(), outcome.progress().rate_set), (&Ending::Complete, 10.0));
    assert!(outcome.events.iter().any(|event| matches!(event, RunEvent::RateReloaded(Err(_)))));
}

#[test]
fn sigusr1_lists_the_requests_in_flight_with_the_oldest_first() {
    let fixture = Fixture::with_rows(2);
    let outcome = fixture.run_with(
        always(FakeReply::created().after(5 * SECOND)),
        |_| (),
        async |operator| {
            operator.submitter.attempt_begun(2).await;
            tokio::time::sleep(SECOND).await;
            operator.control.send(ControlSignal::ShowInFlight).await.unwrap();
        },
    );
    let listed = |event: &RunEvent| match event {
        RunEvent::InFlightListed(requests) => Some(requests.clone()),
        _ => None,
    };
    let requests = outcome.events.iter().find_map(listed).unwrap();
    assert_eq!(requests.iter().map(|request| request.line).collect::<Vec<_>>(), [2, 3]);
    assert!(requests[0].elapsed > requests[1].elapsed && requests[1].elapsed >= SECOND, "{requests:?}");
}

#[test]
fn no_more_requests_are_in_flight_than_the_concurrency_allows_and_the_run_reports_it_once() {
    let fixture = Fixture::with_rows(12);
    let outcome = fixture.run(always(FakeReply::created().after(10 * SECOND)), |import| {
        import.concurrency = 3;
        import.rate = Rate::Fixed(100.0);
    });
    assert_eq!((outcome.ending(), outcome.most_in_flight), (&Ending::Complete, 3));
    let limited = outcome.events.iter().filter(|event| matches!(event, RunEvent::ConcurrencyLimited { .. }));
    assert_eq!(limited.count(), 1);
}

#[test]
fn a_ledger_that_fails_stops_the_run_and_knows_every_request_that_was_sent() {
    // How many attempts a commit has depends on speed, so that no later commit is certain to come before the last attempt.
    for commit in [1, 2, 3, 5, 8, 13, 21] {
        let fixture = Fixture::with_rows(30);
        fixture.ledger.fail_at_commit(commit);
        let outcome = fixture.run(always(FakeReply::created().after(SECOND / 2)), |_| ());
        assert!(matches!(outcome.result, Err(ImportError::Ledger(_))), "commit {commit}");
        assert!(outcome.attempts.len() < 30, "commit {commit}");
        assert!(outcome.attempts.iter().all(|attempt| attempt.at <= outcome.ended), "commit {commit}");
        for attempt in &outcome.attempts {
            let state = fixture.row(attempt.token).state;
            assert!(matches!(state, RowState::InFlight | RowState::Created), "commit {commit}: {state}");
        }
    }
}

#[test]
fn a_denied_attempt_stops_the_run_and_leaves_its_row_waiting() {
    let fixture = Fixture::with_rows(9);
    let replies = [FakeReply::created(), FakeReply::created(), FakeReply::denied()];
    let outcome = fixture.run(FakeSubmitter::replying(replies), |import| {
        (import.concurrency, import.rate, import.burst) = (1, Rate::Fixed(10_000.0), 100);
    });
    assert!(matches!(outcome.ending(), Ending::Denied(_)), "{:?}", outcome.ending());
    assert_eq!(outcome.attempts.len(), 3);
    assert_eq!((fixture.count(RowState::Created), fixture.count(RowState::Pending)), (2, 7));
}

#[test]
fn an_untrusted_server_stops_the_run_and_its_ending_tells_whether_anything_was_sent() {
    for created in [0, 1] {
        let fixture = Fixture::with_rows(4);
        let mut replies = vec![FakeReply::untrusted().after(SECOND / 2); 2];
        // In flight while the others fail, so that it is created after the run's end.
        replies.extend(vec![FakeReply::created().after(SECOND); created]);
        let outcome = fixture.run(FakeSubmitter::replying(replies), |import| {
            (import.concurrency, import.rate, import.burst) = (2 + created, Rate::Fixed(10_000.0), 100);
        });
        let expected = created > 0;
        assert!(
            matches!(outcome.ending(), Ending::Untrusted { has_sent, .. } if *has_sent == expected),
            "{:?}",
            outcome.ending()
        );
        let states = (fixture.count(RowState::Created), fixture.count(RowState::Pending));
        assert_eq!(states, (created as u64, 4 - created as u64));
        assert!(fixture.row(outcome.attempts[0].token).doubt_ms.is_none());
    }
}

#[test]
fn an_endpoint_that_was_never_reached_is_given_up_and_no_row_is_in_doubt() {
    let fixture = Fixture::with_rows(3);
    let outcome = fixture.run(always(FakeReply::unreachable()), |_| ());
    assert!(matches!(outcome.ending(), Ending::OutOfReach(_)), "{:?}", outcome.ending());
    assert_eq!(fixture.count(RowState::Pending), 3);
    assert!(outcome.attempts.iter().all(|attempt| fixture.row(attempt.token).doubt_ms.is_none()));
}

#[test]
fn after_the_grace_period_requests_in_flight_are_given_up_and_their_rows_are_in_doubt() {
    let fixture = Fixture::with_rows(9);
    let outcome = fixture.run_with(
        always(FakeReply::never()),
        |_| (),
        async |operator| {
            operator.submitter.attempt_begun(2).await;
            operator.interrupt();
        },
    );
    assert_eq!(outcome.ending(), &Ending::Interrupted(Signal::Interrupt));
    assert_eq!((outcome.attempts.len(), outcome.ended), (2, outcome.attempts[1].at + 30 * SECOND));
    assert_eq!(fixture.count(RowState::Pending), 9);
    assert!(outcome.attempts.iter().all(|attempt| fixture.row(attempt.token).doubt_ms.is_some()));
    let drained = |event: &RunEvent| {
        matches!(event, RunEvent::Draining { signal: Some(Signal::Interrupt), in_flight: 2, .. })
    };
    assert!(outcome.events.iter().any(drained));
}

#[test]
fn an_attempt_that_panics_ends_the_run_and_leaves_its_row_in_flight() {
    let fixture = Fixture::with_rows(9);
    let replies = [FakeReply::created(), FakeReply::panic()];
    let outcome = fixture.run(FakeSubmitter::replying(replies), |import| import.concurrency = 1);
    assert!(matches!(outcome.result, Err(ImportError::Task(_))));
    assert_eq!((outcome.attempts.len(), fixture.count(RowState::InFlight)), (2, 1));
}
