//! What every ledger does, whatever its store. Each function is run against each of them.

use crate::support::ledger::{Book, DAY, Saw, kinds};
use Saw::{Holding, NotApplicable, Nothing, Violated};
use spotcheck::actions::edit::Edit;
use spotcheck::actions::items::evidence::EvidenceRecord;
use spotcheck::actions::items::item::{EventKind, ItemId};
use spotcheck::actions::query::Filter;
use spotcheck::actions::rule_status::RuleStatus;
use spotcheck::actions::{News, State};
use spotcheck::policy::{ActionKind, Severity};

const RULE: &str = "  - { id: conf, severity: high, file: /conf, must: { mode: '0600' } }\n";

pub fn a_violation_opens_an_item_that_says_everything_about_itself(mut book: Book) {
    book.policy(
        "  - id: conf\n    title: The configuration is private\n    severity: critical\n    \
         type: prevent\n    owner: dba\n    due: 3d\n    links: https://example.org/1\n    \
         why: It holds passwords.\n    preventive: Deploy it so.\n    reference: 'passwd(5)'\n    \
         file: /conf\n    must: { mode: '0600' }\n",
    );
    let news = book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(kinds(&news), [EventKind::Opened]);
    let item = book.only();
    assert_eq!(item.id, ItemId(1));
    assert_eq!(item.title, "The configuration is private (file /conf)");
    assert_eq!(item.demand.as_deref(), Some("The configuration is private"));
    assert_eq!((item.kind, item.severity), (ActionKind::Prevent, Severity::Critical));
    assert_eq!(item.owner.as_deref(), Some("dba"));
    assert_eq!(item.due, Some(book.now + 3 * DAY));
    assert_eq!((item.first_seen, item.last_seen), (book.now, book.now));
    assert_eq!((item.state, item.reopenings), (State::Open, 0));
    assert_eq!((item.present, item.occurrences), (1, 1));
    assert_eq!(item.texts.corrective, ["repair /conf"]);
    assert_eq!(item.texts.preventive.as_deref(), Some("Deploy it so."));
    assert_eq!(item.texts.why.as_deref(), Some("It holds passwords."));
    assert_eq!(item.texts.links, ["https://example.org/1"]);
    assert!(item.texts.command.ends_with("--rule conf"), "{}", item.texts.command);
    let occurrence = &book.ledger.occurrences(item.id).unwrap()[0];
    assert_eq!((occurrence.host.as_str(), occurrence.affected.name.as_str()), ("h1", "/conf"));
    assert!(occurrence.evidence_then.contains("seen at"), "{occurrence:?}");
}

pub fn an_item_is_never_made_twice_and_keeps_the_first_evidence(mut book: Book) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    let first = book.now;
    let news = book.run("h1", &[("conf", "//conf/.", "mode", Violated)]);
    assert!(news.is_empty(), "{news:?}");
    let item = book.only();
    assert_eq!((item.first_seen, item.last_seen), (first, book.now));
    let occurrence = &book.ledger.occurrences(item.id).unwrap()[0];
    assert!(occurrence.evidence_then.contains(&first.to_string()));
    assert!(occurrence.evidence_now.contains(&book.now.to_string()));
    assert_eq!(book.history(item.id), [EventKind::Opened]);
}

pub fn one_mistake_on_five_hosts_is_one_item_until_the_last_is_repaired(mut book: Book) {
    book.policy(RULE);
    let hosts = ["h1", "h2", "h3", "h4", "h5"];
    for host in hosts {
        book.run(host, &[("conf", "/conf", "mode", Violated)]);
    }
    assert_eq!(book.only().present, 5);
    for host in &hosts[..4] {
        let news = book.run(host, &[("conf", "/conf", "mode", Holding)]);
        assert_eq!(kinds(&news), [EventKind::Held]);
        assert_eq!(book.only().state, State::Open);
    }
    let news = book.run("h5", &[("conf", "/conf", "mode", Holding)]);
    assert_eq!(kinds(&news), [EventKind::Resolved]);
    assert_eq!((book.only().state, book.only().present), (State::Resolved, 0));
}

pub fn what_is_unknown_skipped_or_not_looked_at_resolves_nothing(mut book: Book) {
    book.policy(&format!("{RULE}  - {{ id: other, file: /other, must: {{ owner: root }} }}\n"));
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    for saw in [Nothing, NotApplicable] {
        assert!(book.run("h1", &[("conf", "/conf", "mode", saw)]).pieces.is_empty());
        assert_eq!((book.only().state, book.only().present), (State::Open, 1));
    }
    assert!(book.run("h1", &[("other", "/other", "owner", Holding)]).is_empty());
    assert_eq!(book.only().state, State::Open);
    // On another host it never was violated.
    assert!(book.run("h2", &[("conf", "/conf", "mode", Holding)]).is_empty());
    assert_eq!(book.only().state, State::Open);
}

pub fn a_regression_is_the_same_item_counted_with_a_new_due_date(mut book: Book) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.run("h1", &[("conf", "/conf", "mode", Holding)]);
    book.now += 100 * DAY;
    let news = book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(kinds(&news), [EventKind::Regressed]);
    let item = book.only();
    assert_eq!((item.state, item.reopenings), (State::Regressed, 1));
    assert_eq!(item.due, Some(book.now + 30 * DAY));
    assert!(book.run("h1", &[("conf", "/conf", "mode", Violated)]).is_empty());
    assert_eq!(book.only().reopenings, 1);
    let wanted = [EventKind::Opened, EventKind::Resolved, EventKind::Regressed];
    assert_eq!(book.history(item.id), wanted);
}

pub fn with_verify_three_only_the_third_observation_in_a_row_resolves(mut book: Book) {
    book.policy("  - { id: conf, verify: 3, file: /conf, must: { mode: '0600' } }\n");
    let mut see = |saw| {
        book.run("h1", &[("conf", "/conf", "mode", saw)]);
        book.only().state
    };
    for saw in [Violated, Holding, Holding, Violated, Holding, Nothing, Holding] {
        assert_eq!(see(saw), State::Open);
    }
    assert_eq!(see(Holding), State::Resolved);
}

pub fn an_item_closed_by_hand_is_reopened_by_the_next_violation(mut book: Book) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.edit(ItemId(1), Edit::Close("we accept it".into()));
    assert_eq!(book.only().state, State::Closed);
    book.run("h1", &[("conf", "/conf", "mode", Nothing)]);
    assert_eq!(book.only().state, State::Closed);
    let news = book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(kinds(&news), [EventKind::Reopened]);
    assert_eq!((book.only().state, book.only().reopenings), (State::Regressed, 1));
    let events = book.ledger.events(Some(ItemId(1)), 100).unwrap();
    let closed = events.iter().find(|event| event.kind == EventKind::Closed).unwrap();
    assert_eq!((closed.actor.as_str(), closed.detail.as_str()), ("alice", "we accept it"));
}

pub fn a_rule_that_is_removed_retires_its_items_visibly(mut book: Book) {
    book.policy(&format!("{RULE}  - {{ id: other, file: /other, must: {{ owner: root }} }}\n"));
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.policy("  - { id: other, file: /other, must: { owner: root } }\n");
    // Asked for single rules, a run knows nothing about the others.
    book.whole = false;
    assert!(book.run("h1", &[("other", "/other", "owner", Holding)]).is_empty());
    book.whole = true;
    let news = book.run("h1", &[("other", "/other", "owner", Holding)]);
    assert_eq!(kinds(&news), [EventKind::Retired]);
    assert_eq!(book.only().state, State::Retired);
    assert!(book.run("h1", &[("other", "/other", "owner", Holding)]).is_empty());
    book.policy(RULE);
    let news = book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(kinds(&news), [EventKind::Returned]);
    assert_eq!((book.only().state, book.only().reopenings), (State::Open, 0));
}

pub fn a_retired_item_is_resolved_when_its_rule_returns_and_holds(mut book: Book) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.policy("  - { id: other, file: /other, must: { owner: root } }\n");
    book.run("h1", &[("other", "/other", "owner", Holding)]);
    book.policy(RULE);
    let news = book.run("h1", &[("conf", "/conf", "mode", Holding)]);
    assert_eq!(kinds(&news), [EventKind::Resolved]);
}

pub fn a_renamed_rule_keeps_its_items_when_it_says_so(mut book: Book) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.edit(ItemId(1), Edit::Assign("alice".into()));
    book.policy("  - { id: private, formerly: conf, file: /conf, must: { mode: '0600' } }\n");
    assert!(book.run("h1", &[("private", "/conf", "mode", Violated)]).is_empty());
    let item = book.only();
    assert_eq!((item.key.rule.as_str(), item.state), ("private", State::Open));
    assert_eq!(item.owner.as_deref(), Some("alice"));
    assert!(book.history(item.id).contains(&EventKind::Renamed));
    assert!(book.run("h1", &[("private", "/conf", "mode", Violated)]).is_empty());
    let renamed = book.history(item.id).iter().filter(|k| **k == EventKind::Renamed).count();
    assert_eq!(renamed, 1);
}

pub fn edits_of_titles_and_severities_change_the_item_and_not_its_identity(mut book: Book) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.policy(
        "  - { id: other, file: /other, must: { owner: root } }\n  - { id: conf, title: New, \
         severity: low, type: process, file: /conf, must: { mode: '0600' } }\n",
    );
    assert!(book.run("h1", &[("conf", "/conf", "mode", Violated)]).is_empty());
    let item = book.only();
    assert_eq!((item.demand.as_deref(), item.severity), (Some("New"), Severity::Low));
    assert_eq!(book.history(item.id), [EventKind::Opened, EventKind::Changed]);
}

pub fn forty_files_with_one_cause_are_one_item(mut book: Book) {
    book.policy("  - { id: conf, file: '/d/*', must: { readable_by: www } }\n");
    let files: Vec<String> = (0..40).map(|n| format!("/d/{n}")).collect();
    let see = |book: &Book, saw| -> Vec<_> {
        let cause = (saw == Violated).then_some("/d");
        files.iter().map(|file| book.finding("conf", file, "readable_by", saw, cause)).collect()
    };
    let findings = see(&book, Violated);
    let news = book.record("h1", &findings);
    assert_eq!(kinds(&news), [EventKind::Opened]);
    let item = book.only();
    assert_eq!((item.key.thing.name.as_str(), item.present), ("/d", 40));
    let findings = see(&book, Holding);
    book.now += 1;
    let news = book.record("h1", &findings);
    assert_eq!(kinds(&news), [EventKind::Resolved]);
}

pub fn what_is_overdue_is_said_once(mut book: Book) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.now += 30 * DAY;
    let news = book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(kinds(&news), [EventKind::Overdue]);
    assert!(book.only().is_overdue(book.now));
    assert!(book.run("h1", &[("conf", "/conf", "mode", Violated)]).is_empty());
    book.edit(ItemId(1), Edit::Due(Some(book.now + DAY)));
    assert!(!book.only().is_overdue(book.now));
    book.now += DAY;
    let news = book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(kinds(&news), [EventKind::Overdue]);
    let counts = book.ledger.counts("h1", book.now).unwrap();
    assert_eq!((counts.open, counts.overdue), (1, 1));
    assert_eq!(book.ledger.counts("h2", book.now).unwrap().open, 0);
}

pub fn acknowledging_assigning_and_commenting_are_kept_with_who_did_it(mut book: Book) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.edit(ItemId(1), Edit::Acknowledge(Some("on it".into())));
    book.edit(ItemId(1), Edit::Assign("bob".into()));
    book.edit(ItemId(1), Edit::Comment("it is the 'deploy' script; \"x\" -- \0".into()));
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    let item = book.only();
    assert_eq!((item.state, item.owner.as_deref()), (State::Acknowledged, Some("bob")));
    let wanted =
        [EventKind::Opened, EventKind::Acknowledged, EventKind::Assigned, EventKind::Comment];
    assert_eq!(book.history(item.id), wanted);
    let missing = book.ledger.edit(ItemId(7), &Edit::Due(None), "alice", book.now).unwrap();
    assert_eq!(missing, None);
}

pub fn a_list_can_be_narrowed_in_every_way(mut book: Book) {
    book.policy(
        "  - { id: a, severity: critical, owner: x, file: /a, must: { mode: '0600' } }\n  \
         - { id: b, severity: low, file: /b, must: { mode: '0600' } }\n",
    );
    book.run("h1", &[("a", "/a", "mode", Violated)]);
    book.run("h2", &[("b", "/b", "mode", Violated)]);
    book.run("h3", &[("b", "/b", "mode", Violated)]);
    let later = book.now + 8 * DAY;
    let mut ids = |filter: Filter| -> Vec<i64> {
        book.ledger.items(&filter).unwrap().iter().map(|item| item.id.0).collect()
    };
    assert_eq!(ids(Filter::default()), [1, 2]);
    assert_eq!(ids(Filter { host: Some("h3".into()), ..Filter::default() }), [2]);
    assert_eq!(ids(Filter { owner: Some("x".into()), ..Filter::default() }), [1]);
    assert_eq!(ids(Filter { severity: Some(Severity::High), ..Filter::default() }), [1]);
    assert_eq!(ids(Filter { overdue: Some(later), ..Filter::default() }), [1]);
    assert_eq!(ids(Filter { policy: Some("db".into()), ..Filter::default() }), [0; 0]);
    assert_eq!(ids(Filter { limit: Some(1), ..Filter::default() }), [1]);
    let states = vec![State::Resolved, State::Closed];
    assert_eq!(ids(Filter { states, ..Filter::default() }), [0; 0]);
}

pub fn owners_come_from_the_configuration_where_a_policy_names_none(mut book: Book) {
    book.terms.owners.insert("web".into(), "configured".into());
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(book.only().owner.as_deref(), Some("web-team"));
}

pub fn a_run_without_changes_adds_no_row(mut book: Book) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    for _ in 0..10 {
        book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    }
    assert_eq!(book.ledger.events(None, 1000).unwrap().len(), 1);
    assert_eq!(book.ledger.occurrences(ItemId(1)).unwrap().len(), 1);
}

pub fn a_rule_that_was_never_violated_is_known_to_hold_since_when(mut book: Book) {
    book.policy(&format!("{RULE}  - {{ id: other, file: /other, must: {{ owner: root }} }}\n"));
    let both = |conf, other| [("conf", "/conf", "mode", conf), ("other", "/other", "owner", other)];
    let standings = |book: &mut Book| -> Vec<(String, RuleStatus, i64, i64)> {
        let all = book.ledger.standings(Some("web")).unwrap().into_iter();
        all.map(|one| (one.rule, one.standing, one.since, one.seen)).collect()
    };
    book.run("h1", &both(Holding, Holding));
    let first = book.now;
    book.run("h1", &both(Violated, Holding));
    let second = book.now;
    assert_eq!(
        standings(&mut book),
        [
            ("conf".into(), RuleStatus::Violated, second, second),
            ("other".into(), RuleStatus::Holds, first, second)
        ]
    );
    let turns = book.ledger.turns(0, i64::MAX, 10).unwrap();
    let turn = (turns[0].was, turns[0].last_look, turns[0].became, turns[0].at);
    assert_eq!((turns.len(), turn), (1, (RuleStatus::Holds, first, RuleStatus::Violated, second)));
    // A run of one rule says nothing of the other, nor that the policy was looked at.
    book.whole = false;
    book.policy(RULE);
    book.run("h1", &both(Holding, Nothing)[..1]);
    let third = book.now;
    assert_eq!(standings(&mut book)[0], ("conf".into(), RuleStatus::Holds, third, third));
    assert_eq!(standings(&mut book)[1].3, second);
    // A rule that is gone is retired, not thought to hold for ever.
    book.whole = true;
    book.run("h1", &both(Holding, Nothing)[..1]);
    assert_eq!(standings(&mut book)[1].1, RuleStatus::Retired);
}

pub fn what_was_seen_when_something_changed_is_kept_with_it(mut book: Book) {
    book.policy(RULE);
    for saw in [Violated, Holding, Violated] {
        book.run("h1", &[("conf", "/conf", "mode", saw)]);
    }
    let events = book.ledger.events_between(0, i64::MAX, 10).unwrap();
    let seen: Vec<_> = events
        .iter()
        .map(|event| event.evidence.as_deref().map(|text| EvidenceRecord::from_json(text).observed))
        .collect();
    // What was seen first stands with the occurrence.
    let at = |event: &spotcheck::actions::Event| Some(format!("seen at {}", event.at));
    assert_eq!(seen, [None, at(&events[1]), at(&events[2])]);
    let then =
        EvidenceRecord::from_json(&book.ledger.occurrences(ItemId(1)).unwrap()[0].evidence_then);
    assert_eq!(then.observed, format!("seen at {}", events[0].at));
    let middle = book.ledger.events_between(events[1].at, events[1].at, 10).unwrap();
    assert_eq!(middle.len(), 1);
}

pub fn hostile_names_are_kept_as_they_are_and_do_no_harm(mut book: Book) {
    book.policy("  - { id: conf, file: '/d/*', must: { mode: '0600' } }\n");
    let long = format!("/{}", "x".repeat(10_000));
    let names = ["/'; DROP TABLE items; --", "/\u{202e}\u{1b}[2J", "/$1 ? :a", long.as_str()];
    for name in names {
        book.run("h1", &[("conf", name, "mode", Violated)]);
    }
    let items = book.items();
    assert_eq!(items.len(), 4);
    assert_eq!(items[0].key.thing.name, names[0]);
    assert!(items[3].key.thing.name.len() < 5000);
}

pub fn what_becomes_undecidable_is_news_once(mut book: Book) {
    book.policy(&format!("{RULE}  - {{ id: other, file: /other, must: {{ owner: root }} }}\n"));
    let undecided = |news: News| news.undecided.len();
    assert_eq!(undecided(book.run("h1", &[("conf", "/conf", "mode", Nothing)])), 1);
    assert_eq!(undecided(book.run("h1", &[("conf", "/conf", "mode", Nothing)])), 0);
    assert_eq!(undecided(book.run("h2", &[("conf", "/conf", "mode", Nothing)])), 1);
    assert!(book.run("h1", &[("conf", "/conf", "mode", Holding)]).is_empty());
    assert_eq!(undecided(book.run("h1", &[("conf", "/conf", "mode", Nothing)])), 1);
    assert!(book.items().is_empty());
}

pub fn a_waived_violation_is_an_item_that_is_not_overdue(mut book: Book) {
    book.policy(RULE);
    book.waive("conf", 100 * DAY);
    let news = book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(kinds(&news), [EventKind::Opened, EventKind::Waived]);
    book.now += 40 * DAY;
    assert!(book.run("h1", &[("conf", "/conf", "mode", Violated)]).is_empty());
    let item = book.only();
    assert!(item.due.unwrap() < book.now && !item.is_overdue(book.now));
    assert_eq!(book.ledger.counts("h1", book.now).unwrap().overdue, 0);
    let overdue = Filter { overdue: Some(book.now), ..Filter::default() };
    assert_eq!(book.ledger.items(&overdue).unwrap(), []);
    assert_eq!(book.history(item.id), [EventKind::Opened, EventKind::Waived]);
}

pub fn a_waiver_that_ends_soon_and_one_that_has_ended_are_news_once(mut book: Book) {
    book.policy(RULE);
    book.waive("conf", 100 * DAY);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.now += 90 * DAY;
    let news = book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(kinds(&news), [EventKind::WaiverExpiring]);
    assert!(book.run("h1", &[("conf", "/conf", "mode", Violated)]).is_empty());
    book.now += 20 * DAY;
    let news = book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(kinds(&news), [EventKind::WaiverEnded]);
    assert!(book.run("h1", &[("conf", "/conf", "mode", Violated)]).is_empty());
    // Its time stood still while it was accepted.
    assert!(!book.only().is_overdue(book.now + 29 * DAY));
    book.now += 30 * DAY;
    let news = book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(kinds(&news), [EventKind::Overdue]);
    assert_eq!((book.only().state, book.only().waived_until), (State::Open, None));
}

pub fn one_more_of_what_is_forbidden_is_news_though_the_item_is_open(mut book: Book) {
    book.policy(RULE);
    let see = |book: &mut Book, names: &[&str]| {
        book.now += 3_600;
        let finding = book.offending("conf", "/conf", "mode", names);
        book.record("h1", &[finding])
    };
    assert_eq!(kinds(&see(&mut book, &["alice"])), [EventKind::Opened]);
    assert!(see(&mut book, &["alice"]).is_empty());
    let news = see(&mut book, &["alice", "eve"]);
    assert_eq!(kinds(&news), [EventKind::More]);
    assert_eq!(news.pieces[0].lines[0], "one more: eve");
    assert!(see(&mut book, &["eve", "alice"]).is_empty());
    assert!(see(&mut book, &["eve"]).is_empty(), "one less is no news");
    assert_eq!(kinds(&see(&mut book, &["alice", "eve"])), [EventKind::More], "alice is back");
    assert_eq!(book.only().state, State::Open);
    let many: Vec<String> = (0..30).map(|n| format!("user{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let news = see(&mut book, &many);
    assert!(news.pieces[0].lines[0].starts_with("30 more: user0; "), "{news:?}");
    assert!(news.pieces[0].lines[0].ends_with(" and 20 others"), "{news:?}");
}

pub fn a_waiver_accepts_what_was_there_when_it_was_granted_and_nobody_who_comes_later(
    mut book: Book,
) {
    book.policy(RULE);
    book.waive("conf", 100 * DAY);
    let see = |book: &mut Book, names: &[&str]| {
        book.now += 3_600;
        let finding = book.offending("conf", "/conf", "mode", names);
        kinds(&book.record("h1", &[finding]))
    };
    assert_eq!(see(&mut book, &["alice"]), [EventKind::Opened, EventKind::Waived]);
    assert_eq!(see(&mut book, &["alice"]), []);
    assert_eq!(see(&mut book, &["alice", "eve"]), [EventKind::More]);
    assert_eq!(book.only().waived_until, None);
    assert_eq!(see(&mut book, &["alice"]), [EventKind::Waived], "eve has gone");
    // What was granted to alice ended when she went.
    assert_eq!(see(&mut book, &["bob"]), [EventKind::More]);
    assert_eq!(see(&mut book, &["alice"]), [EventKind::More]);
}

pub fn a_host_that_is_called_otherwise_keeps_its_items_and_a_copy_of_it_does_not(mut book: Book) {
    book.policy(RULE);
    book.machine = Some("m1".into());
    book.run("web1", &[("conf", "/conf", "mode", Violated)]);
    let news = book.run("web01", &[("conf", "/conf", "mode", Violated)]);
    assert!(news.pieces.is_empty() && news.notes.len() == 1, "{news:?}");
    let hosts = |book: &mut Book| -> Vec<String> {
        book.ledger.occurrences(ItemId(1)).unwrap().into_iter().map(|one| one.host).collect()
    };
    assert_eq!(hosts(&mut book), ["web01"]);
    assert_eq!(
        kinds(&book.run("web01", &[("conf", "/conf", "mode", Holding)])),
        [EventKind::Resolved]
    );
    // Of another machine nothing is known, whatever it is called.
    book.machine = Some("m2".into());
    assert_eq!(
        kinds(&book.run("web2", &[("conf", "/conf", "mode", Violated)])),
        [EventKind::Regressed]
    );
    assert_eq!(hosts(&mut book), ["web2", "web01"]);
    // A name that is known already is never taken over.
    book.machine = Some("m1".into());
    assert!(book.run("web2", &[("conf", "/conf", "mode", Violated)]).notes.is_empty());
}

pub fn a_policy_that_is_taken_out_retires_its_items_and_a_renamed_one_takes_them_along(
    mut book: Book,
) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.policy_called("shop", RULE);
    assert!(book.run("h1", &[("conf", "/conf", "mode", Violated)]).is_empty());
    assert_eq!(book.only().key.policy, "shop");
    assert!(book.history(ItemId(1)).contains(&EventKind::Renamed));
    // Part of the rules, or another check, say nothing of the policy.
    book.policy_called("db", "  - { id: other, file: /other, must: { owner: root } }\n");
    book.whole = false;
    assert!(book.run("h1", &[("other", "/other", "owner", Holding)]).is_empty());
    book.whole = true;
    book.scope = "another check".into();
    assert!(book.run("h1", &[("other", "/other", "owner", Holding)]).is_empty());
    book.scope = "check".into();
    let news = book.run("h1", &[("other", "/other", "owner", Holding)]);
    assert_eq!(kinds(&news), [EventKind::Retired]);
    assert!(book.run("h1", &[("other", "/other", "owner", Holding)]).is_empty());
}

pub fn what_is_gone_where_that_is_allowed_is_resolved_and_what_no_rule_applies_to_retires(
    mut book: Book,
) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.now += 1;
    let gone = book.not_there("conf", "/conf");
    assert_eq!(kinds(&book.record("h1", &[gone])), [EventKind::Resolved]);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    let news = book.run("h1", &[("conf", "/conf", "when", NotApplicable)]);
    assert_eq!(kinds(&news), [EventKind::Retired]);
    assert!(news.pieces[0].lines[0].contains("does not apply here any more"), "{news:?}");
    let news = book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(kinds(&news), [EventKind::Returned]);
}

pub fn what_is_worse_than_before_is_due_earlier_and_told_unless_a_date_was_set_by_hand(
    mut book: Book,
) {
    let rule = |severity: &str| RULE.replace("high", severity);
    book.policy(&rule("medium"));
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.policy(&rule("critical"));
    let news = book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(kinds(&news), [EventKind::Changed]);
    assert_eq!(book.only().due, Some(book.now + 7 * DAY));
    let by_hand = Some(book.now + 50 * DAY);
    book.edit(ItemId(1), Edit::Due(by_hand));
    book.policy(&rule("low"));
    assert!(book.run("h1", &[("conf", "/conf", "mode", Violated)]).is_empty());
    assert_eq!(book.only().due, by_hand);
}

pub fn an_item_is_waived_only_when_it_is_on_every_host(mut book: Book) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.waive("conf", 100 * DAY);
    book.run("h2", &[("conf", "/conf", "mode", Violated)]);
    assert_eq!(book.only().waived_until, None);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert!(book.only().waived_until.is_some());
}

pub fn what_is_wrong_with_one_thing_is_one_item_that_ends_with_the_last_of_it(mut book: Book) {
    book.policy(
        "  - { id: conf, severity: high, file: /conf, must: { mode: '0600', owner: root } }\n",
    );
    let see = |book: &mut Book, mode, owner| {
        book.run("h1", &[("conf", "/conf", "mode", mode), ("conf", "/conf", "owner", owner)])
    };
    let news = see(&mut book, Violated, Holding);
    assert_eq!(kinds(&news), [EventKind::Opened]);
    let title = "file /conf: mode as it should be, owner as it should be";
    assert_eq!(book.only().title, title);
    let news = see(&mut book, Violated, Violated);
    assert_eq!(kinds(&news), [EventKind::More], "the item is open, the owner is news");
    assert!(news.pieces[0].lines[0].starts_with("owner: "), "{news:?}");
    assert!(see(&mut book, Violated, Violated).is_empty());
    // A part of the repair needs nobody, and is noted.
    assert!(see(&mut book, Holding, Violated).is_empty());
    assert_eq!((book.only().state, book.only().present), (State::Open, 1));
    assert_eq!(kinds(&see(&mut book, Violated, Violated)), [EventKind::Recurred]);
    assert!(see(&mut book, Nothing, Holding).pieces.is_empty());
    assert_eq!(book.only().state, State::Open, "the mode was not seen to hold");
    assert_eq!(kinds(&see(&mut book, Holding, Holding)), [EventKind::Resolved]);
    assert_eq!(kinds(&see(&mut book, Holding, Violated)), [EventKind::Regressed]);
    assert_eq!((book.only().present, book.only().reopenings), (1, 1));
}

pub fn what_the_same_steps_repair_is_one_item_that_names_all_its_rules(mut book: Book) {
    book.policy(
        "  - { id: one, severity: low, file: /conf, must: { mode: '0600' } }\n  \
         - { id: two, severity: high, file: /conf, must: { mode: '0600' } }\n  \
         - { id: far, severity: high, file: /far, must: { mode: '0600' } }\n  \
         - { id: theirs, owner: dba, file: /conf, must: { mode: '0600' } }\n",
    );
    let see = |book: &mut Book, one, two| {
        book.run("h1", &[("one", "/conf", "mode", one), ("two", "/conf", "mode", two)])
    };
    let news = see(&mut book, Violated, Violated);
    assert_eq!(kinds(&news), [EventKind::Opened]);
    let lines = news.pieces[0].lines.join("\n");
    assert!(lines.contains("--rule one") && lines.contains("--rule two"), "{lines}");
    assert_eq!((book.only().key.rule.as_str(), book.only().severity), ("one", Severity::High));
    assert_eq!(book.only().present, 1, "it is one place");
    assert!(see(&mut book, Violated, Violated).is_empty());
    assert!(see(&mut book, Holding, Violated).is_empty());
    assert_eq!(book.only().state, State::Open);
    assert_eq!(kinds(&see(&mut book, Holding, Holding)), [EventKind::Resolved]);
    // It comes back as what it was, whichever of its rules sees it.
    assert_eq!(kinds(&see(&mut book, Holding, Violated)), [EventKind::Regressed]);
    assert_eq!(book.only().id, ItemId(1));
    // Another thing, or work of other people, is another item.
    book.run("h1", &[("far", "/far", "mode", Violated), ("theirs", "/conf", "mode", Violated)]);
    assert_eq!(book.items().len(), 3);
}

pub fn what_is_open_is_said_again_and_what_is_snoozed_is_not_until_it_ends(mut book: Book) {
    book.policy(RULE);
    book.terms.remind.insert(Severity::High, 7 * DAY);
    let see = |book: &mut Book, hours: i64, saw| {
        book.now += (hours - 1) * 3_600;
        kinds(&book.run("h1", &[("conf", "/conf", "mode", saw)]))
    };
    assert_eq!(see(&mut book, 1, Violated), [EventKind::Opened]);
    assert_eq!(see(&mut book, 167, Violated), []);
    assert_eq!(see(&mut book, 1, Violated), [EventKind::Reminder]);
    assert_eq!(see(&mut book, 1, Violated), []);
    book.edit(ItemId(1), Edit::Snooze(book.now + 20 * DAY, "the vendor is at it".into()));
    assert_eq!(see(&mut book, 10 * 24, Violated), []);
    assert_eq!(see(&mut book, 1, Holding), []);
    assert_eq!(see(&mut book, 1, Violated), [], "it flaps, and nobody wants to hear of it");
    assert_eq!(book.only().state, State::Regressed);
    assert_eq!(see(&mut book, 10 * 24, Violated), [EventKind::SnoozeEnded]);
    assert_eq!(see(&mut book, 1, Violated), []);
    assert!(book.history(ItemId(1)).contains(&EventKind::Snoozed));
    // What was repaired meanwhile is told as well.
    book.edit(ItemId(1), Edit::Snooze(book.now + DAY, "deploy".into()));
    assert_eq!(see(&mut book, 1, Holding), []);
    assert_eq!(see(&mut book, 24, Holding), [EventKind::SnoozeEnded]);
}

pub fn one_more_is_told_of_what_is_snoozed(mut book: Book) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.edit(ItemId(1), Edit::Snooze(book.now + 20 * DAY, "known".into()));
    let mut see = |names: &[&str]| {
        book.now += 1;
        let finding = book.offending("conf", "/conf", "mode", names);
        kinds(&book.record("h1", &[finding]))
    };
    assert_eq!(see(&["alice"]), []);
    assert_eq!(see(&["alice", "eve"]), [EventKind::More]);
}

pub fn a_policy_that_says_what_it_was_called_takes_its_items_along_whatever_its_rules_are(
    mut book: Book,
) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.policy_called(
        "shop\nformerly: web",
        "  - { id: conf, file: /conf, must: { mode: '0600' } }\n  \
         - { id: a, file: /a, must: { mode: '0600' } }\n  \
         - { id: b, file: /b, must: { mode: '0600' } }\n",
    );
    // Another check of the host, even: its file has another name now.
    book.scope = "check of the new file".into();
    assert!(book.run("h1", &[("conf", "/conf", "mode", Violated)]).is_empty());
    assert_eq!(book.only().key.policy, "shop");
    assert!(book.history(ItemId(1)).contains(&EventKind::Renamed));
    let news = book.run("h1", &[("conf", "/conf", "mode", Holding)]);
    assert_eq!(kinds(&news), [EventKind::Resolved]);
}

pub fn a_clock_that_is_set_back_is_said_once_and_loses_nothing(mut book: Book) {
    book.policy(RULE);
    book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    book.now -= 3 * 3_600;
    let news = book.run("h1", &[("conf", "/conf", "mode", Violated)]);
    assert!(news.notes[0].contains("was set back"), "{news:?}");
    assert!(book.run("h1", &[("conf", "/conf", "mode", Violated)]).is_empty());
    let kinds = kinds(&book.run("h1", &[("conf", "/conf", "mode", Holding)]));
    assert_eq!(kinds, [EventKind::Resolved]);
    assert_eq!(book.history(ItemId(1)), [EventKind::Opened, EventKind::Resolved]);
}
