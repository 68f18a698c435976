//! The ledger: one suite, run against every store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod suite;

use crate::support::ledger::Book;
use spotcheck::actions::{Ledger, Location};

/// All tests of the suite, each given a fresh ledger by `$store`.
macro_rules! suite {
    ($store:path: $($test:ident),* $(,)?) => {$(
        #[test]
        fn $test() {
            $store(suite::$test);
        }
    )*};
    ($store:path) => {
        suite!($store:
            a_violation_opens_an_item_that_says_everything_about_itself,
            an_item_is_never_made_twice_and_keeps_the_first_evidence,
            one_mistake_on_five_hosts_is_one_item_until_the_last_is_repaired,
            what_is_unknown_skipped_or_not_looked_at_resolves_nothing,
            a_regression_is_the_same_item_counted_with_a_new_due_date,
            with_verify_three_only_the_third_observation_in_a_row_resolves,
            an_item_closed_by_hand_is_reopened_by_the_next_violation,
            a_rule_that_is_removed_retires_its_items_visibly,
            a_retired_item_is_resolved_when_its_rule_returns_and_holds,
            a_renamed_rule_keeps_its_items_when_it_says_so,
            edits_of_titles_and_severities_change_the_item_and_not_its_identity,
            forty_files_with_one_cause_are_one_item,
            what_is_overdue_is_said_once,
            acknowledging_assigning_and_commenting_are_kept_with_who_did_it,
            a_list_can_be_narrowed_in_every_way,
            owners_come_from_the_configuration_where_a_policy_names_none,
            a_run_without_changes_adds_no_row,
            a_rule_that_was_never_violated_is_known_to_hold_since_when,
            what_was_seen_when_something_changed_is_kept_with_it,
            what_becomes_undecidable_is_news_once,
            a_waived_violation_is_an_item_that_is_not_overdue,
            a_waiver_that_ends_soon_and_one_that_has_ended_are_news_once,
            one_more_of_what_is_forbidden_is_news_though_the_item_is_open,
            a_waiver_accepts_what_was_there_when_it_was_granted_and_nobody_who_comes_later,
            a_host_that_is_called_otherwise_keeps_its_items_and_a_copy_of_it_does_not,
            a_policy_that_is_taken_out_retires_its_items_and_a_renamed_one_takes_them_along,
            what_is_gone_where_that_is_allowed_is_resolved_and_what_no_rule_applies_to_retires,
            what_is_worse_than_before_is_due_earlier_and_told_unless_a_date_was_set_by_hand,
            an_item_is_waived_only_when_it_is_on_every_host,
            hostile_names_are_kept_as_they_are_and_do_no_harm,
            what_is_wrong_with_one_thing_is_one_item_that_ends_with_the_last_of_it,
            what_the_same_steps_repair_is_one_item_that_names_all_its_rules,
            what_is_open_is_said_again_and_what_is_snoozed_is_not_until_it_ends,
            one_more_is_told_of_what_is_snoozed,
            a_policy_that_says_what_it_was_called_takes_its_items_along_whatever_its_rules_are,
            a_clock_that_is_set_back_is_said_once_and_loses_nothing,
        );
    };
}

mod sqlite {
    use super::*;

    fn with_file(test: fn(Book)) {
        let folder = tempfile::tempdir().unwrap();
        test(Book::new(
            Ledger::open(&Location::File(folder.path().join("new/ledger.db"))).unwrap(),
        ));
    }

    suite!(with_file);
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::*;
    use crate::support::ledger::Saw;
    use crate::support::postgres::Server;
    use spotcheck::actions::query::Filter;
    use spotcheck::actions::{LedgerError, State};

    fn with_server(test: fn(Book)) {
        let Some(server) = Server::get() else { return };
        test(Book::new(open(&server.socket_url(&server.database())).unwrap()));
    }

    fn open(url: &str) -> Result<Ledger, LedgerError> {
        Ledger::open(&Location::parse(url).unwrap())
    }

    suite!(with_server);

    #[test]
    fn over_tcp_the_certificate_of_the_server_is_verified() {
        let Some(server) = Server::get() else { return };
        let database = server.database();
        let url = server.tcp_url("localhost", &database);
        let trusted = format!("{url}?sslrootcert={}", server.authority().display());
        let mut book = Book::new(open(&trusted).unwrap());
        book.policy("  - { id: conf, file: /conf, must: { mode: '0600' } }\n");
        book.run("h1", &[("conf", "/conf", "mode", Saw::Violated)]);
        assert_eq!(book.only().state, State::Open);
        let refused = |url: &str, words: &str| {
            let error = open(url).err().expect("it is refused").to_string();
            assert!(error.contains(words), "{error}");
        };
        // By an authority that nobody knows, and for another name.
        refused(&url, "UnknownIssuer");
        let other = server.tcp_url("127.0.0.1", &database);
        refused(&format!("{other}?sslrootcert={}", server.authority().display()), "not valid for");
        // Nor does `prefer` fall back to plain text; only `disable` does, when somebody asks for it.
        refused(&format!("{url}?sslmode=prefer"), "UnknownIssuer");
        assert!(open(&format!("{url}?sslmode=disable")).is_ok());
    }

    #[test]
    fn many_hosts_at_once_make_one_item_of_one_mistake() {
        let Some(server) = Server::get() else { return };
        let url = server.socket_url(&server.database());
        std::thread::scope(|scope| {
            for host in 0..12 {
                let url = &url;
                scope.spawn(move || {
                    let mut book = Book::new(open(url).unwrap());
                    book.policy("  - { id: conf, file: /conf, must: { mode: '0600' } }\n");
                    for saw in [Saw::Violated, Saw::Violated] {
                        book.run(&format!("h{host}"), &[("conf", "/conf", "mode", saw)]);
                    }
                });
            }
        });
        let items = open(&url).unwrap().items(&Filter::default()).unwrap();
        assert_eq!(items.len(), 1);
        assert_eq!((items[0].present, items[0].occurrences), (12, 12));
    }

    #[test]
    fn a_user_without_rights_and_a_newer_version_are_told_apart() {
        let Some(server) = Server::get() else { return };
        let database = server.database();
        let url = server.socket_url(&database);
        server.psql("CREATE ROLE guest LOGIN");
        let guest = url.replace("postgres@", "guest@");
        let error = open(&guest).err().expect("it is refused");
        assert!(matches!(error, LedgerError::Older { found: 0, .. }), "{error:?}");
        drop(open(&url).unwrap());
        let psql = |statement: &str| {
            let mut client =
                ::postgres::Client::connect(&url, ::postgres::NoTls).expect("it answers");
            client.batch_execute(statement).unwrap();
        };
        psql("UPDATE spotcheck.meta SET version = 99");
        assert!(matches!(open(&url).err(), Some(LedgerError::Newer { found: 99, .. })));
    }

    #[test]
    fn no_password_stands_in_a_message() {
        let location =
            Location::parse("postgres://user:secret@127.0.0.1:1/db?sslmode=disable").unwrap();
        let error = Ledger::open(&location).err().expect("nothing listens there");
        let words = format!("{location} {location:?} {error} {error:?}");
        assert!(!words.contains("secret") && !words.contains("user:"), "{words}");
        assert!(words.contains("127.0.0.1:1/db"), "{words}");
    }
}
