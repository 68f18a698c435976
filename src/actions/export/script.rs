//! A shell script of the corrective steps, to be reviewed and then run by a person.
//!
//! It shows what it would do and does nothing unless it is given `--apply`. Every step stands in it
//! as it was written, in a here-document of its own, so that nothing in a step can change the rest of
//! the script; before every step the rule is checked anew.

use super::Export;
use super::steps::{Step, Work, work};
use crate::text::shell::quote;
use crate::text::{printable, time};
use std::fmt::Write as _;

const HEAD: &str = r##"#
#     sh SCRIPT            shows what would be done, and changes nothing
#     sh SCRIPT --apply    does it, as root
#
# Before every step its rule is checked anew: where it holds by now, nothing is done, and where it
# cannot be decided, neither. Steps that take a person are only shown.
#
# Exit codes: 0 all of it holds, 1 something is still violated, 2 something could not be decided.
set -u

apply=
case "${1-}" in
'') ;;
--apply) apply=yes ;;
*)
	echo "usage: $0 [--apply]" >&2
	exit 3
	;;
esac
if ! command -v spotcheck >/dev/null; then
	echo "$0: spotcheck is not installed here, and without it no step is taken" >&2
	exit 3
fi

violated=0
undecided=0

# How the rule stands now.
look() {
	sh -c "$verify --no-track --quiet" >/dev/null 2>&1 </dev/null
	case $? in
	0) now=holds ;;
	1) now=violated ;;
	*) now=undecided ;;
	esac
}

# item NAME, with the command that verifies it as standard input
item() {
	verify=$(cat)
	printf '\n== %s\n' "$1"
}

# A step as standard input.
step() {
	code=$(cat)
	look
	if [ "$now" != violated ]; then
		printf '   %s, not needed: %s\n' "$now" "$code"
	elif [ -z "$apply" ]; then
		printf '   would run: %s\n' "$code"
	else
		printf '   running: %s\n' "$code"
		sh -c "$code" </dev/null || printf '   failed with %s\n' "$?"
	fi
}

# by_hand WHY, with what takes a person as standard input
by_hand() {
	code=$(cat)
	look
	case $now in
	violated) printf '   by hand (%s): %s\n' "$1" "$code" ;;
	*) printf '   %s, by hand: %s\n' "$now" "$code" ;;
	esac
}

# result NAME, with the command that verifies it as standard input
result() {
	verify=$(cat)
	look
	printf '   %-10s %s\n' "$now" "$1"
	case $now in
	violated) violated=1 ;;
	undecided) undecided=1 ;;
	esac
}
"##;

const END: &str = r#"
[ "$violated" -eq 0 ] || exit 1
[ "$undecided" -eq 0 ] || exit 2
"#;

/// The script. Writing to a String cannot fail.
pub fn render(export: &Export) -> String {
    let all = work(export.items, export.now);
    let mut out = String::from("#!/bin/sh\n");
    let _ = writeln!(out, "# Corrective steps, made by spotcheck {}.", time::utc(export.now));
    out.push_str(HEAD);
    for work in &all {
        one(&mut out, work);
    }
    let _ = writeln!(out, "\nprintf '\\n== %s\\n' 'How it stands now'");
    for work in &all {
        let _ = writeln!(out, "result {} {}", name(work), here(work.verify));
    }
    out.push_str(END);
    out
}

fn one(out: &mut String, work: &Work) {
    out.push('\n');
    for item in &work.items {
        let _ = writeln!(out, "# {} {}", item.id, printable(&item.title));
    }
    let hosts: Vec<&str> = work.hosts.iter().copied().collect();
    let _ = writeln!(out, "# seen on: {}", printable(&hosts.join(", ")));
    let _ = writeln!(out, "item {} {}", name(work), here(work.verify));
    for step in &work.steps {
        let _ = match step {
            Step::Command(code) => writeln!(out, "step {}", here(code)),
            Step::ByHand(words, why) => {
                writeln!(out, "by_hand {} {}", quote(why.as_bytes()), here(words))
            }
        };
    }
    if work.steps.is_empty() {
        let _ = writeln!(out, "by_hand 'nobody wrote down how' {}", here("repair it"));
    }
}

fn name(work: &Work) -> String {
    quote(printable(&work.name()).as_bytes())
}

/// A here-document in which nothing is expanded.
fn here(text: &str) -> String {
    // One line, and not the one that ends it.
    let text = printable(text);
    let guard = if text == "END" { " " } else { "" };
    format!("<<'END'\n{guard}{text}\nEND")
}
