#![doc = include_str!("page.md")]

use super::user::has_no_shell;
use super::user::login::barred;
use crate::control::person;
use crate::facts::account::{Accounts, PasswordField, Shadow, User};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::expect::Expect;
use crate::policy::node::Node;
use crate::policy::operand::Text;
use crate::policy::set::{SetOf, only};
use crate::rules::combine::Demand;
use crate::rules::condition::{Condition, ConditionInfo, Form, infos, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text::shell;
use crate::verdict::{Assertion, Evidence, Outcome, Subject};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// `accounts:`
pub static ACCOUNTS: SubjectKind = SubjectKind {
    key: "accounts",
    value: "all",
    options: &[],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: false,
    refers: None,
    compile,
};

static CONDITIONS: &[Condition<Arc<Accounts>>] = &[
    Condition {
        info: ConditionInfo {
            name: "uid_0",
            doc: "The accounts that have uid 0.",
            form: Form::Set,
            example: "{ only: [root] }",
        },
        read: |node, _, problems| {
            let wanted = names("uid_0", node, problems)?;
            Some(Box::new(move |accounts, _| {
                let roots = accounts.users.iter().filter(|user| user.uid == 0);
                of_set(accounts, "uid_0", "uid 0:", &wanted, roots.collect())
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "empty_passwords",
            doc: "false: no account can be entered without a password.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            only_false(node, problems)?;
            Some(Box::new(|accounts, target| empty_passwords(accounts, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "duplicate_ids",
            doc: "false: no two accounts share a uid and no two groups a gid.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            only_false(node, problems)?;
            Some(Box::new(|accounts, _| {
                let users = accounts.users.iter().map(|u| (u.uid.to_string(), u.name.clone()));
                let groups = accounts.groups.iter().map(|g| (g.gid.to_string(), g.name.clone()));
                let mut words = shared("uid", users);
                words.extend(shared("gid", groups));
                unique(accounts, "duplicate_ids", "every uid and gid once", words)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "duplicate_names",
            doc: "false: no two accounts and no two groups share a name.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            only_false(node, problems)?;
            Some(Box::new(|accounts, _| {
                let users = accounts.users.iter().map(|u| (u.name.clone(), u.uid.to_string()));
                let groups = accounts.groups.iter().map(|g| (g.name.clone(), g.gid.to_string()));
                let mut words = shared("user", users);
                words.extend(shared("group", groups));
                unique(accounts, "duplicate_names", "every name once", words)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "can_login",
            doc: "The accounts that have a password that can match and a shell that lets them in.",
            form: Form::Set,
            example: "{ only: [root, admin] }",
        },
        read: |node, _, problems| {
            let wanted = names("can_login", node, problems)?;
            Some(Box::new(move |accounts, target| {
                let mut able = Vec::new();
                let mut unread = None;
                for user in accounts.users.iter().filter(|user| !has_no_shell(user)) {
                    match shadow_of(user, target) {
                        Ok(PasswordField::Locked | PasswordField::Shadow) => {}
                        Ok(_) => match barred(user, target) {
                            Ok(Some(_)) => {}
                            Ok(None) => able.push(user),
                            Err(why) => unread = Some(why),
                        },
                        Err(why) => unread = Some(why),
                    }
                }
                let answer = of_set(accounts, "can_login", "able to log in:", &wanted, able);
                match unread {
                    Some(why) if answer.outcome == Outcome::Pass || wanted.wants_members() => {
                        answer.unknown(why)
                    }
                    _ => answer,
                }
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "weak_hashes",
            doc: "false: no password is kept in a way that a graphics card tries by the million: \
                  DES, MD5 ($1$), NT ($3$), Sun MD5.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            only_false(node, problems)?;
            Some(Box::new(|accounts, target| weak_hashes(accounts, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "service_shells",
            doc: "The accounts with a uid from 1 to 999 that have a shell of /etc/shells.",
            form: Form::Set,
            example: "{ only: [postgres] }",
        },
        read: |node, _, problems| {
            let wanted = names("service_shells", node, problems)?;
            Some(Box::new(move |accounts, target| service_shells(accounts, &wanted, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "root_equivalent",
            doc: "The accounts beside those of uid 0 that may use an object that amounts to root: \
                  sockets of container engines, disks, /etc/shadow, directories of root's PATH.",
            form: Form::Only,
            example: "{ only: [admin] }",
        },
        read: |node, _, problems| {
            let allowed = only("root_equivalent", node, problems, Expect::parse)?;
            Some(Box::new(move |accounts, target| root_equivalent(accounts, &allowed, target)))
        },
    },
];

struct AccountsCheck {
    tests: Vec<Demand<Arc<Accounts>>>,
}

fn compile(scope: &Scope, input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    problems.ok(crate::rules::compile::one_of(&input.subject, &["all"]));
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(AccountsCheck { tests }))
}

impl Check for AccountsCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        match target.accounts() {
            Ok(accounts) => {
                self.tests.iter().map(|demand| demand.judge(&accounts, target)).collect()
            }
            Err(why) => {
                self.tests.iter().map(|demand| about(demand.name()).unknown(why.clone())).collect()
            }
        }
    }
}

fn about(condition: &str) -> Assertion {
    Assertion::of(&Subject::new("accounts", "all"), condition)
}

fn only_false(node: &Node, problems: &mut Diagnostics) -> Option<()> {
    if problems.ok(node.boolean())? {
        problems.push(node.expected("false"));
        return None;
    }
    Some(())
}

/// A pass needs every line to have been understood.
pub fn earned(accounts: &Accounts, holds: bool) -> Fact<bool> {
    match accounts.malformed.first() {
        Some(line) if holds => Err(not_understood(line)),
        _ => Ok(holds),
    }
}

/// Of a line of the account files that may be anybody's.
pub fn not_understood(line: &str) -> Unknown {
    Unknown::new(line, Cause::Malformed("not a line of its format".into()))
}

/// A pass about all accounts needs all of them to have been listed, too.
pub fn all_listed(accounts: &Accounts, holds: bool) -> Fact<bool> {
    let holds = earned(accounts, holds)?;
    match (holds, &accounts.elsewhere) {
        (false, _) => Ok(false),
        (true, Err(why)) => Err(why.clone()),
        (true, Ok(why)) => why.first().map_or(Ok(true), |why| {
            let cause = "accounts that are in no file of this host".to_owned();
            Err(Unknown::new(why.clone(), Cause::Unsupported(cause)))
        }),
    }
}

fn names(key: &str, node: &Node, problems: &mut Diagnostics) -> Option<SetOf<Expect<Text>>> {
    SetOf::parse(key, node, problems, Expect::parse)
}

fn of_set(
    accounts: &Accounts,
    condition: &str,
    what: &str,
    wanted: &SetOf<Expect<Text>>,
    found: Vec<&User>,
) -> Assertion {
    let judged = wanted.judge(&found, |expect, user| Ok(expect.holds_for(&user.name)));
    let strangers: Vec<&User> =
        judged.strangers.iter().filter_map(|index| found.get(*index).copied()).collect();
    let shown = if strangers.is_empty() { &found } else { &strangers };
    let names: Vec<&str> = shown.iter().map(|user| user.name.as_str()).collect();
    // A line that was not understood may be an account that is missed.
    let holds = match judged.holds {
        Ok(holds) => all_listed(accounts, holds || strangers.is_empty()).map(|_| holds),
        unknown => unknown,
    };
    about(condition)
        .expected(format!("{what} {}", wanted.show(Expect::show)))
        .observed(if names.is_empty() { "nobody".into() } else { names.join(", ") })
        .seen(shown.iter().map(|user| evidence(user)))
        .decide(holds)
}

fn evidence(user: &User) -> Evidence {
    Evidence::line(Path::new("/etc/passwd"), user.line, format!("{}, uid {}", user.name, user.uid))
}

fn shared(what: &str, entries: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in entries {
        by_key.entry(key).or_default().push(value);
    }
    by_key.retain(|_, values| values.len() > 1);
    by_key.into_iter().map(|(key, values)| format!("{what} {key}: {}", values.join(", "))).collect()
}

fn unique(accounts: &Accounts, condition: &str, expected: &str, doubles: Vec<String>) -> Assertion {
    let observed = if doubles.is_empty() { "all different".into() } else { doubles.join("; ") };
    about(condition)
        .expected(expected)
        .observed(observed)
        .decide(all_listed(accounts, doubles.is_empty()))
}

fn empty_passwords(accounts: &Accounts, target: &dyn Target) -> Assertion {
    let assertion = about("empty_passwords").expected("no account without a password");
    let mut open = Vec::new();
    let mut unread = None;
    for user in &accounts.users {
        match shadow_of(user, target) {
            Ok(PasswordField::Empty) => open.push(user),
            Ok(_) => {}
            Err(why) => unread = Some(why),
        }
    }
    let names: Vec<&str> = open.iter().map(|user| user.name.as_str()).collect();
    let assertion = open
        .iter()
        .map(|user| format!("passwd --lock {}", shell::quote(user.name.as_bytes())))
        .fold(assertion, Assertion::repair)
        .observed(if names.is_empty() { "none".into() } else { names.join(", ") })
        .seen(open.iter().map(|user| evidence(user)));
    match unread {
        Some(why) if open.is_empty() => assertion.unknown(why),
        _ => assertion.decide(all_listed(accounts, open.is_empty())),
    }
}

/// What a user's password field says, `x` followed to `/etc/shadow`. [`PasswordField::Shadow`] is
/// left only where shadow has no line for the user: then no password matches.
pub fn shadow_of(user: &User, target: &dyn Target) -> Fact<PasswordField> {
    if user.password != PasswordField::Shadow {
        return Ok(user.password.clone());
    }
    let line = shadow_line(user, target)?;
    Ok(line.map_or(PasswordField::Shadow, |line| line.password))
}

/// A user's line in `/etc/shadow`.
pub(super) fn shadow_line(user: &User, target: &dyn Target) -> Fact<Option<Shadow>> {
    let accounts = target.accounts()?;
    let shadow = accounts.shadow.as_ref().map_err(Clone::clone)?;
    Ok(shadow.iter().find(|line| line.name == user.name).cloned())
}

/// A password field in words, without the hash.
pub fn password_words(password: &PasswordField) -> String {
    match password {
        PasswordField::Empty => "no password needed".into(),
        PasswordField::Locked => "password locked".into(),
        PasswordField::Shadow => "no line in /etc/shadow".into(),
        PasswordField::Hash(kind) => format!("has a password ({kind})"),
    }
}

/// Methods of `crypt(5)` that the manual page calls unfit for new passwords, by prefix.
const WEAK: [&str; 6] = ["des", "_", "$1$", "$3$", "$md5$", "$"];

fn weak_hashes(accounts: &Accounts, target: &dyn Target) -> Assertion {
    let mut weak = Vec::new();
    let mut unread = None;
    for user in &accounts.users {
        match shadow_of(user, target) {
            Ok(PasswordField::Hash(kind)) if WEAK.contains(&kind.as_str()) => {
                weak.push((user, kind));
            }
            Ok(_) => {}
            Err(why) => unread = Some(why),
        }
    }
    let words: Vec<String> =
        weak.iter().map(|(user, kind)| format!("{} ({kind})", user.name)).collect();
    let assertion = weak
        .iter()
        .map(|(user, _)| format!("passwd {} # a new one", shell::quote(user.name.as_bytes())))
        .fold(about("weak_hashes"), Assertion::repair)
        .expected("no password that is kept in a weak way")
        .observed(if words.is_empty() { "none".into() } else { words.join(", ") })
        .seen(weak.iter().map(|(user, _)| evidence(user)));
    match unread {
        Some(why) if weak.is_empty() => assertion.unknown(why),
        _ => assertion.decide(all_listed(accounts, weak.is_empty())),
    }
}

/// Accounts below this uid are those of services, `login.defs(5)` (`UID_MIN`) of all distributions.
const FIRST_PERSON: u32 = 1000;

fn service_shells(
    accounts: &Accounts,
    wanted: &SetOf<Expect<Text>>,
    target: &dyn Target,
) -> Assertion {
    let shells = match target.read(Path::new("/etc/shells")) {
        Ok(content) => content.unwrap_or_default(),
        Err(why) => return about("service_shells").unknown(why),
    };
    let text = String::from_utf8_lossy(&shells);
    let shells: Vec<&str> =
        text.lines().map(str::trim).filter(|line| line.starts_with('/')).collect();
    let lets_in = |user: &&User| {
        let shell = if user.shell.is_empty() { "/bin/sh" } else { &user.shell };
        // Without the file the C library knows /bin/sh and /bin/csh.
        let listed = shells.contains(&shell);
        let known = shells.is_empty() && ["/bin/sh", "/bin/csh"].contains(&shell);
        (1..FIRST_PERSON).contains(&user.uid) && (listed || known)
    };
    let able = accounts.users.iter().filter(lets_in).collect();
    of_set(accounts, "service_shells", "a login shell below uid 1000:", wanted, able)
}

fn root_equivalent(
    accounts: &Accounts,
    allowed: &[Expect<Text>],
    target: &dyn Target,
) -> Assertion {
    let expected: Vec<String> = allowed.iter().map(Expect::show).collect();
    let about = about("root_equivalent")
        .expected(format!("objects that amount to root only for [{}]", expected.join(", ")));
    let person::Equivalent { people: found, gap } = match person::root_equivalent(target) {
        Ok(found) => found,
        Err(why) => return about.unknown(why),
    };
    let fits = |name: &str| allowed.iter().any(|expect| expect.holds_for(name));
    let wrong = found.iter().filter(|(person, _)| !person.name.as_deref().is_some_and(fits));
    let words: Vec<String> =
        wrong.map(|(person, words)| format!("{person} {}", words.join(", "))).collect();
    let observed = if words.is_empty() { "nobody".into() } else { words.join("; ") };
    let holds = match (all_listed(accounts, words.is_empty()), gap) {
        (Ok(true), Some(why)) => Err(why),
        (holds, _) => holds,
    };
    about.observed(observed).decide(holds)
}
