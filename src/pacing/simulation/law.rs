//! Requirements of the controller's law, over fixed seeds.

use super::*;

#[test]
fn an_unknown_quota_is_found_and_used_with_few_throttles() {
    let quotas = [(2.0, 5.0), (10.0, 15.0), (10.0, 5.0), (50.0, 50.0), (200.0, 200.0), (200.0, 500.0)];
    for ((rate, burst), round_trip) in
        quotas.into_iter().flat_map(|quota| [0.01, 0.04].map(|round_trip| (quota, round_trip)))
    {
        for trace in traces(&Scenario { round_trip, ..Scenario::new(rate, burst).auto() }, 8) {
            let (seconds, used, throttled) = measures(&trace[0], rate, 0.0, 120.0);
            assert!(seconds <= 30.0 && used >= 0.98, "{rate} {burst}: {seconds} s, {used}");
            assert!(throttled <= if rate < 5.0 { 0.021 } else { 0.012 }, "{rate} {burst}: {throttled}");
        }
    }
    for trace in traces(&Scenario { round_trip: 0.3, ..Scenario::new(50.0, 50.0).auto() }, 8) {
        let (_, used, throttled) = measures(&trace[0], 50.0, 0.0, 120.0);
        assert!(used >= 0.98 && throttled <= 0.02, "{used} {throttled}");
    }
}

#[test]
fn a_quota_that_changes_is_followed() {
    for (rate, factor, max_seconds) in
        [(10.0, 2.0, 25.0), (10.0, 0.5, 35.0), (50.0, 4.0, 25.0), (50.0, 0.25, 30.0)]
    {
        let changed = rate * factor;
        let scenario = Scenario::new(rate, rate).auto().then(60.0, changed, changed).then(120.0, rate, rate);
        for trace in traces(&scenario.lasting(180.0), 8) {
            let there = trace[0].converged(changed, 60.0, 120.0);
            let back = trace[0].converged(rate, 120.0, 180.0);
            let context = format!("{rate} times {factor}: {there} s, {back} s");
            assert!(there <= max_seconds && back <= max_seconds, "{context}");
            assert!(trace[0].share_throttled(0.0, 180.0) <= 0.02);
        }
    }
}

#[test]
fn the_rest_of_a_shared_quota_is_used_and_the_other_client_keeps_its_share() {
    for (rate, other) in [(10.0, 3.0), (50.0, 15.0), (50.0, 30.0)] {
        for trace in traces(&Scenario::new(rate, rate).auto().other(other, 0.0, 1e9).lasting(180.0), 8) {
            let (_, used, throttled) = measures(&trace[0], rate - other, 60.0, 180.0);
            assert!(used >= 0.93 && throttled <= 0.02, "{rate} {other}: {used}, {throttled}");
            assert!(trace[1].share_throttled(0.0, 180.0) <= 0.04, "{rate} {other}");
        }
    }
}

#[test]
fn two_controlled_clients_share_a_quota_about_equally() {
    let scenario = Scenario::new(200.0, 200.0).auto().controlled(2.0, None, 2.0, 40.0).lasting(220.0);
    for trace in traces(&scenario, 8) {
        let of = |i: usize| trace[i].taken(180.0, 220.0) / 40.0 / 200.0;
        assert!(of(0) + of(1) >= 0.95 && (0.25..=0.75).contains(&of(1)), "{} {}", of(0), of(1));
        assert!(trace[0].share_throttled(0.0, 220.0) <= 0.02 && trace[1].share_throttled(0.0, 220.0) <= 0.02);
    }
}

#[test]
fn a_fixed_rate_within_the_quota_is_kept_exactly_but_for_a_stray_throttle() {
    for (rate, burst) in [(2.0, 5.0), (25.0, 25.0), (200.0, 100.0)] {
        let scenario = Scenario::new(rate, burst)
            .controlled(rate, Some(rate), (0.8 * burst).floor(), 0.0)
            .lasting(200.0);
        for trace in traces(&scenario, 2) {
            let taken = trace[0].taken(0.0, 200.0);
            assert!(trace[0].throttled.is_empty() && taken >= 0.997 * rate * 200.0, "{taken}");
        }
        let is_stray = Scenario { stray_throttles: vec![60.0], ..scenario };
        for trace in traces(&is_stray, 8) {
            let taken = trace[0].taken(20.0, 200.0);
            assert!(taken >= 0.99 * rate * 180.0 && trace[0].throttled.len() == 1, "{rate}: {taken}");
        }
    }
}

#[test]
fn a_fixed_rate_falls_to_a_smaller_quota_and_returns() {
    for (rate, ceiling) in [(25.0, 26.0), (10.0, 20.0), (100.0, 200.0)] {
        let scenario = Scenario::new(rate, rate).controlled(ceiling, Some(ceiling), 2.0, 0.0);
        for trace in traces(&scenario.then(120.0, ceiling, ceiling).lasting(180.0), 8) {
            let used = trace[0].taken(10.0, 120.0) / 110.0 / rate;
            let back = trace[0].converged(ceiling, 120.0, 180.0);
            assert!(used >= 0.96 && back <= 25.0, "{rate} {ceiling}: {used}, back in {back} s");
            assert!(trace[0].share_throttled(5.0, 120.0) <= 0.02);
        }
    }
}

#[test]
fn an_unreachable_fixed_rate_does_not_distort_the_measurement() {
    for ceiling in [1000.0, 1e9] {
        let mut scenario = Scenario::new(50.0, 50.0).controlled(ceiling, Some(ceiling), 2.0, 0.0);
        scenario.clients[0].kind =
            ClientKind::Controlled { start: ceiling, ceiling: Some(ceiling), gate: 2.0, concurrency: 100 };
        for trace in traces(&scenario.lasting(60.0), 8) {
            let used = trace[0].taken(10.0, 60.0) / 50.0 / 50.0;
            let throttled = trace[0].share_throttled(5.0, 60.0);
            assert!(used >= 0.96 && throttled <= 0.02, "{ceiling}: {used}, {throttled}");
            assert!(trace[0].throttled(0.0, 60.0) <= 300.0, "{ceiling}: {}", trace[0].throttled(0.0, 60.0));
        }
    }
}

#[test]
fn without_a_quota_the_rate_stays_near_the_throughput_of_the_machine() {
    for (concurrency, service) in [(100, 0.1), (10, 1.0)] {
        let mut scenario = Scenario::new(1e9, 1e9).auto();
        scenario.clients[0].kind =
            ClientKind::Controlled { start: 2.0, ceiling: None, gate: 2.0, concurrency };
        scenario.service = vec![(0.0, service)];
        for trace in traces(&scenario.lasting(60.0), 2) {
            let delivered = trace[0].taken(30.0, 60.0) / 30.0;
            assert!(delivered >= 0.9 * concurrency as f64 / (service + 0.05), "{delivered}");
            assert!(trace[0].rates.iter().all(|rate| *rate <= 2.0 * delivered), "{delivered}");
        }
    }
}

#[test]
fn slow_answers_and_a_long_idle_time_do_not_lower_the_rate() {
    let mut scenario = Scenario::new(50.0, 50.0).auto().lasting(400.0);
    scenario.service = vec![(60.0, 10.0), (120.0, 0.0)];
    scenario.idle = (150.0, 330.0);
    for trace in traces(&scenario, 8) {
        let slow = trace[0].taken(60.0, 120.0) / 60.0 / 50.0;
        let after = trace[0].taken(335.0, 400.0) / 65.0 / 50.0;
        assert!(slow >= 0.95 && after >= 0.95, "{slow} {after}");
        assert!(trace[0].share_throttled(0.0, 400.0) <= 0.02);
    }
}

#[test]
fn the_rate_recovers_after_a_time_in_which_nothing_was_admitted() {
    let scenario =
        Scenario::new(50.0, 50.0).auto().then(60.0, 1e-9, 1.0).then(120.0, 50.0, 50.0).lasting(240.0);
    for trace in traces(&scenario, 8) {
        assert!(trace[0].throttled(60.0, 120.0) <= 40.0, "{}", trace[0].throttled(60.0, 120.0));
        let back = trace[0].converged(50.0, 120.0, 240.0);
        assert!(back <= 60.0, "{back}");
    }
}

#[test]
fn a_rate_is_found_only_after_a_measurement_of_enough_tokens() {
    let mut controller = Controller::new(2.0, None);
    let mut now = 0.0;
    let mut send = |controller: &mut Controller, requests: u32| {
        for _ in 0..requests {
            now += 1.0 / controller.rate(at(now));
            controller.sent(at(now));
            controller.answered(at(now));
        }
        controller.sent(at(now));
        now += controller.throttled(at(now), 0.5).as_secs_f64();
    };
    for _ in 0..5 {
        send(&mut controller, 2);
        assert_eq!(controller.found_rate(), None);
    }
    send(&mut controller, 40);
    assert!(controller.found_rate().is_some());
}

#[test]
fn a_new_ceiling_applies_at_once() {
    let mut controller = Controller::new(10.0, Some(10.0));
    controller.throttled(at(1.0), 0.5);
    assert!(controller.rate(at(1.0)) < 10.0);
    controller.set_ceiling(Some(20.0));
    assert_eq!((controller.rate(at(1.0)), controller.found_rate()), (20.0, None));
    controller.set_ceiling(None);
    assert_eq!(controller.rate(at(1.0)), 20.0);
}

#[test]
fn the_rate_stays_within_its_bounds_for_any_sequence_of_events() {
    let mut random = fastrand::Rng::with_seed(1);
    for ceiling in [None, Some(5.0), Some(f64::NAN), Some(0.0)] {
        let mut controller = Controller::new([f64::NAN, 0.0, 2.0, 1e300][random.usize(..4)], ceiling);
        let mut now = Duration::ZERO;
        for _ in 0..100_000 {
            now += match random.u32(..1000) {
                0 => Duration::MAX / 4_000_000,
                1..500 => Duration::from_millis(random.u64(..50)),
                _ => Duration::ZERO,
            };
            match random.u32(..4) {
                0 => controller.sent(now),
                1 => controller.answered(now),
                2 => assert!(
                    controller.throttled(now, [random.f64(), f64::NAN][random.usize(..2)])
                        <= Duration::from_secs(2)
                ),
                _ => {}
            }
            // The clock is monotonic, but going back must do no harm.
            let rate = controller.rate(now.saturating_sub(Duration::from_millis(random.u64(..9))));
            assert!(rate.is_finite() && rate >= 1.0 / 60.0 - 1e-12);
            assert!(rate <= 5.0 || !matches!(ceiling, Some(5.0)));
        }
    }
}
