//! Single steps by name, and what must hold after any number of them.

use super::*;
use proptest::prelude::*;

#[test]
fn an_item_is_resolved_once_its_only_occurrence_is_seen_to_hold() {
    let occurrence = Tracked::NEW.look(Look::Holds, 1);
    let (state, turn) = next(State::Open, false, [occurrence.presence]);
    assert_eq!((state, turn), (State::Resolved, Some(Turn::Resolved)));
}

#[test]
fn a_repair_on_one_of_two_hosts_does_not_resolve() {
    let (state, turn) = next(State::Acknowledged, false, [Presence::Held, Presence::Present]);
    assert_eq!((state, turn), (State::Acknowledged, None));
}

#[test]
fn with_verify_three_the_third_observation_in_a_row_counts() {
    let twice = Tracked::NEW.look(Look::Holds, 3).look(Look::Holds, 3);
    assert_eq!(twice.presence, Presence::Present);
    assert_eq!(twice.look(Look::Holds, 3).presence, Presence::Held);
    let interrupted = twice.look(Look::Violated, 3).look(Look::Holds, 3);
    assert_eq!(interrupted, Tracked { presence: Presence::Present, held: 1 });
    assert_eq!(twice.look(Look::NotSeen, 3), twice);
}

#[test]
fn a_resolved_item_regresses_and_a_closed_one_is_reopened() {
    assert_eq!(next(State::Resolved, true, []), (State::Regressed, Some(Turn::Regressed)));
    assert_eq!(next(State::Closed, true, []), (State::Regressed, Some(Turn::Reopened)));
    assert_eq!(next(State::Closed, false, [Presence::Held]), (State::Closed, None));
}

#[test]
fn a_rule_that_is_removed_retires_and_does_not_resolve() {
    let gone = Tracked::NEW.look(Look::NotAsked, 1);
    let (state, turn) = next(State::Open, false, [Presence::Held, gone.presence]);
    assert_eq!((state, turn), (State::Retired, Some(Turn::Retired)));
    assert_eq!(next(State::Retired, true, []), (State::Open, Some(Turn::Returned)));
    let back = gone.look(Look::Holds, 1);
    assert_eq!(next(State::Retired, false, [back.presence]).0, State::Resolved);
}

#[test]
fn an_occurrence_that_held_stays_so_when_its_rule_goes() {
    let held = Tracked::NEW.look(Look::Holds, 1);
    assert_eq!(held.look(Look::NotAsked, 1), held);
}

fn looks() -> impl Strategy<Value = Vec<(usize, Look)>> {
    let look = prop_oneof![
        3 => Just(Look::Violated),
        5 => Just(Look::Holds),
        1 => Just(Look::NotAsked),
        3 => Just(Look::NotSeen),
    ];
    prop::collection::vec((0..3usize, look), 1..60)
}

proptest! {
    #[test]
    fn whatever_happens_only_observations_resolve(looks in looks(), verify in 1..4u32) {
        let mut hosts: [Option<Tracked>; 3] = [None; 3];
        // The looks that said something, for each host.
        let mut seen: [Vec<Look>; 3] = Default::default();
        let mut state: Option<State> = None;
        let mut reopened = 0;
        for (host, look) in looks {
            let before = (state, hosts);
            if look != Look::NotSeen {
                seen[host].push(look);
            }
            match hosts[host] {
                Some(tracked) => hosts[host] = Some(tracked.look(look, verify)),
                None if look == Look::Violated => hosts[host] = Some(Tracked::NEW),
                None => continue,
            }
            let presences = hosts.iter().flatten().map(|tracked| tracked.presence);
            let (after, turn) = match state {
                None => (State::Open, None),
                Some(state) => next(state, look == Look::Violated, presences),
            };
            state = Some(after);
            reopened += u32::from(turn.is_some_and(Turn::reopens));

            if look == Look::NotSeen {
                prop_assert_eq!((state, hosts), before);
            }
            if look == Look::Violated {
                prop_assert!(after.is_live());
            }
            if after == State::Resolved {
                for (host, tracked) in hosts.iter().enumerate() {
                    let Some(tracked) = tracked else { continue };
                    prop_assert_eq!(tracked.presence, Presence::Held);
                    // A rule that goes after it was seen to hold does not take that back.
                    let observed: Vec<Look> =
                        seen[host].iter().copied().filter(|l| *l != Look::NotAsked).collect();
                    let tail = observed.iter().rev().take(verify as usize);
                    prop_assert_eq!(tail.clone().count(), verify as usize);
                    prop_assert!(tail.clone().all(|look| *look == Look::Holds));
                }
            }
            if hosts.iter().flatten().any(|t| t.presence == Presence::Present) {
                prop_assert!(after.is_live());
            }
            prop_assert_ne!(after, State::Closed);
        }
        let violations = seen.iter().flatten().filter(|look| **look == Look::Violated).count();
        prop_assert!(reopened as usize <= violations.saturating_sub(1));
    }
}
