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

# What others than root may put somewhere else, a step would do to something else. The functions
# below say on one line why a file is not to be touched, and nothing where it may be.

# Device and inode of files that this script has changed itself.
ours=

# known PATH IDENTITY...: it has to be the file that was seen, which has no second name.
known() (
	path=$1
	shift
	[ ! -L "$path" ] || { printf '%s is a link now' "$path"; exit; }
	is=$(stat -c %d:%i -- "$path" 2>/dev/null) || { printf '%s is not there' "$path"; exit; }
	[ -d "$path" ] || [ "$(stat -c %h -- "$path")" = 1 ] || { printf '%s has a second name' "$path"; exit; }
	case " $* $ours " in
	*" $is "*) ;;
	*) printf '%s is not the file that was seen' "$path" ;;
	esac
)

# way follows|entry PATH [IDENTITY...]: nobody but root decides where it leads.
way() (
	kind=$1 path=$2 left=$2 at='' links=0
	shift 2
	while [ -n "$left" ]; do
		case $left in
		*/*) name=${left%%/*} left=${left#*/} ;;
		*) name=$left left= ;;
		esac
		case $name in
		'' | .) continue ;;
		..) at=${at%/*} && continue ;;
		esac
		folder=${at:-/} next=$at/$name
		state=$(stat -c '%u %g %a' -- "$folder" 2>/dev/null) || exit
		owner=${state%% *} mode=${state##* } group=${state#* }
		group=${group%% *}
		keeper=$(stat -c %u -- "$next" 2>/dev/null) || keeper=none
		open=
		case $mode in *[2367]) open=yes ;; esac
		case $mode in *[2367]?) [ "$group" = 0 ] || open=yes ;; esac
		case $mode in [1357]???) [ "$owner $keeper" != '0 0' ] || open= ;; esac
		[ -z "$open" ] || { printf 'others may write %s' "$folder"; exit; }
		if [ -L "$next" ]; then
			[ "$owner" = 0 ] || { printf '%s is a link of uid %s' "$next" "$owner"; exit; }
			if [ -z "$left" ]; then
				[ "$kind" = entry ] || printf '%s is a link' "$next"
				exit
			fi
			links=$((links + 1))
			[ "$links" -le 40 ] || { printf '%s: too many links' "$path"; exit; }
			to=$(readlink -- "$next") || exit
			case $to in /*) at= ;; esac
			left=$to/$left
			continue
		fi
		[ "$owner" = 0 ] || [ $# -gt 0 ] || { printf 'uid %s may write %s' "$owner" "$folder"; exit; }
		at=$next
	done
	[ $# -eq 0 ] || known "$path" "$@"
)

# at follows|entry PATH [IDENTITY...]: the next step names this file.
blocked=
at() {
	named=$2
	[ -n "$blocked" ] || blocked=$(way "$@")
}

# A step as standard input.
named=
step() {
	code=$(cat)
	look
	if [ "$now" != violated ]; then
		printf '   %s, not needed: %s\n' "$now" "$code"
	elif [ -n "$blocked" ]; then
		printf '   by hand (%s): %s\n' "$blocked" "$code"
	elif [ -z "$apply" ]; then
		printf '   would run: %s\n' "$code"
	else
		printf '   running: %s\n' "$code"
		sh -c "$code" </dev/null || printf '   failed with %s\n' "$?"
		[ -z "$named" ] || ours="$ours $(stat -c %d:%i -- "$named" 2>/dev/null)"
	fi
	blocked=
	named=
}

# act PROGRAM WHAT PATH [IDENTITY...]: through a descriptor, so that it is done to what was looked at.
act() (
	program=$1 what=$2 path=$3
	shift 3
	[ $# -gt 0 ] || set -- "$(stat -c %d:%i -- "$path")"
	exec 9<"$path" || exit 1
	is=$(stat -L -c %d:%i /proc/self/fd/9) || exit 1
	case " $* $ours " in
	*" $is "*) "$program" "$what" /proc/self/fd/9 ;;
	*) printf '   %s is not the file that was seen\n' "$path" && exit 1 ;;
	esac
)

# rights PROGRAM WHAT PATH [IDENTITY...], with the step as standard input.
rights() {
	code=$(cat)
	look
	# The file that was seen is the file that is changed, wherever it lies; another is left alone.
	if [ $# -gt 3 ]; then blocked=$(shift 2 && known "$@"); else blocked=$(way follows "$3"); fi
	[ -n "$blocked" ] || [ -f "$3" ] || [ -d "$3" ] || blocked="$3 is neither a file nor a directory"
	if [ "$now" != violated ]; then
		printf '   %s, not needed: %s\n' "$now" "$code"
	elif [ -n "$blocked" ]; then
		printf '   by hand (%s): %s\n' "$blocked" "$code"
	elif [ -z "$apply" ]; then
		printf '   would run: %s\n' "$code"
	else
		printf '   running: %s\n' "$code"
		act "$@" </dev/null || printf '   failed with %s\n' "$?"
	fi
	blocked=
}

# id_in FILE NAME: the number of an account of another root.
id_in() {
	case $2 in
	'') return 0 ;;
	*[!0-9]*) ;;
	*) printf '%s' "$2" && return 0 ;;
	esac
	[ -f "$1" ] && [ ! -L "$1" ] && [ ! -L "${1%/*}" ] || return 1
	while IFS=: read -r name _ id _; do
		[ "$name" != "$2" ] || { case $id in '' | *[!0-9]*) return 1 ;; esac && printf '%s' "$id" && return 0; }
	done <"$1"
	return 1
}

# rights_below ROOT PROGRAM WHAT PATH IDENTITY...: the same, by the accounts of that root.
rights_below() {
	root=$1 program=$2 what=$3
	shift 3
	user=${what%%:*} group=
	case $what in *:*) group=${what#*:} ;; esac
	case $program in
	chmod) set -- chmod "$what" "$@" ;;
	chgrp) set -- chown ":$(id_in "$root/etc/group" "$what")" "$@" ;;
	chown)
		user=$(id_in "$root/etc/passwd" "$user") && group=$(id_in "$root/etc/group" "$group") || user=unknown
		set -- chown "$user${group:+:$group}" "$@"
		;;
	esac
	case $2 in
	: | unknown*) cat >/dev/null && printf '   by hand (%s has no such account): %s\n' "$root" "$what" ;;
	*) rights "$@" ;;
	esac
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
    let all = work(export.items, export.now, export.root);
    let mut out = String::from("#!/bin/sh\n# shellcheck disable=SC2016 # names are data\n");
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
            Step::Command(command) => {
                writeln!(out, "{}", command.for_script(&here(&command.text)))
            }
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
