#![doc = include_str!("page.md")]

pub(crate) mod login;
pub(crate) mod refer;

use self::login::barred;
use super::accounts::{not_understood, password_words, shadow_of};
use crate::facts::Fact;
use crate::facts::account::{Accounts, Origin, PasswordField, User};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::expect::{Expect, operand};
use crate::policy::operand::{Number, Principal, Text};
use crate::policy::set::{SetOf, Word};
use crate::rules::combine::Demand;
use crate::rules::compile::{ABSENT, Absent, take_absent};
use crate::rules::condition::{Condition, ConditionInfo, Form, infos, read_all};
use crate::rules::identity::group_name;
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text::shell;
use crate::verdict::{Assertion, Evidence, Subject};

/// `user:`
pub static USER: SubjectKind = SubjectKind {
    key: "user",
    value: "login name or uid",
    options: &[ABSENT],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: false,
    refers: Some(refer::REFERS),
    compile,
};

/// An account, as conditions see it.
pub struct UserView {
    subject: Subject,
    user: User,
}

static CONDITIONS: &[Condition<UserView>] = &[
    Condition {
        info: ConditionInfo {
            name: "exists",
            doc: "There is such an account (true), or there is not (false).",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, _| {
                let repair = format!("userdel {}", shell::quote(view.user.name.as_bytes()));
                about(view, "exists")
                    .expected(if wanted { "to exist" } else { "not to exist" })
                    .observed(format!("exists (uid {})", view.user.uid))
                    .repair(repair)
                    .decide(Ok(wanted))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "uid",
            doc: "User id.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "{ at_least: 1 }",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Number>::parse(node))?;
            Some(Box::new(move |view, _| {
                about(view, "uid")
                    .expected(expect.show())
                    .observed(view.user.uid.to_string())
                    .decide(Ok(expect.holds_for(view.user.uid.into())))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "group",
            doc: "Primary group, by name or id.",
            form: Form::Expectation { ordered: false, textual: false },
            example: "www-data",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Principal>::parse(node))?;
            Some(Box::new(move |view, target| {
                about(view, "group")
                    .expected(expect.show())
                    .observed(group_name(target, view.user.gid))
                    .decide(crate::rules::identity::group_is(target, &expect, view.user.gid))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "groups",
            doc: "Groups it belongs to, the primary one included.",
            form: Form::Set,
            example: "{ only: [www-data, ssl-cert] }",
        },
        read: |node, _, problems| {
            let wanted = SetOf::parse("groups", node, problems, Expect::parse)?;
            Some(Box::new(move |view, target| groups(view, "groups", &wanted, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "member_of",
            doc: "The groups that it belongs to, as `groups`.",
            form: Form::Set,
            example: "{ all: [www-data] }",
        },
        read: |node, _, problems| {
            let wanted = SetOf::parse("member_of", node, problems, Expect::parse)?;
            Some(Box::new(move |view, target| groups(view, "member_of", &wanted, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "shell",
            doc: "Login shell.",
            form: Form::Expectation { ordered: false, textual: true },
            example: "/usr/sbin/nologin",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Text>::parse(node))?;
            Some(Box::new(move |view, _| {
                let shell = shell_of(&view.user);
                let assertion = about(view, "shell")
                    .expected(expect.show())
                    .observed(shell)
                    .decide(Ok(expect.holds_for(shell)));
                match expect.wanted() {
                    Some(wanted) => assertion.repair(usermod(view, "--shell", &wanted.0)),
                    None => assertion,
                }
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "home",
            doc: "Home directory.",
            form: Form::Expectation { ordered: false, textual: true },
            example: "/var/www",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Text>::parse(node))?;
            Some(Box::new(move |view, _| {
                let assertion = about(view, "home")
                    .expected(expect.show())
                    .observed(view.user.home.as_str())
                    .decide(Ok(expect.holds_for(&view.user.home)));
                match expect.wanted() {
                    Some(wanted) => assertion.repair(usermod(view, "--home", &wanted.0)),
                    None => assertion,
                }
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "can_login",
            doc: "It can log in with a password: it has one (or needs none), a shell that can be \
                  executed and is not nologin or false, and has not expired. Keys and other ways in \
                  are not looked at.",
            form: Form::Boolean,
            example: "false",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, target| can_login(view, wanted, target)))
        },
    },
];

struct UserCheck {
    user: Principal,
    absent: Absent,
    says_existence: Option<bool>,
    tests: Vec<Demand<UserView>>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let user = problems.ok(operand(&input.subject));
    let absent = take_absent(&mut input, problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    let says_existence =
        super::file::field(&input.must, "exists").and_then(|node| node.as_boolean());
    Some(Box::new(UserCheck { user: user?, absent, says_existence, tests }))
}

impl Check for UserCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let subject = Subject::new("user", self.user.to_string());
        match crate::rules::identity::user(target, &self.user) {
            Ok(Some(user)) => {
                let view = UserView { subject, user };
                self.tests.iter().map(|demand| demand.judge(&view, target)).collect()
            }
            Ok(None) => {
                let says = self.says_existence;
                super::group::if_missing(&subject, &self.tests, says, self.absent, target)
            }
            Err(why) => vec![Assertion::of(&subject, "exists").unknown(why)],
        }
    }
}

fn about(view: &UserView, condition: &str) -> Assertion {
    let user = &view.user;
    let account = Evidence::account(&user.name, user.uid, user.origin);
    let assertion = Assertion::of(&view.subject, condition).seen([account]);
    match user.origin {
        Origin::Files => assertion.seen([Evidence::line(
            std::path::Path::new("/etc/passwd"),
            user.line,
            user.name.as_str(),
        )]),
        Origin::Nss => assertion,
    }
}

fn usermod(view: &UserView, option: &str, value: &str) -> String {
    let name = shell::quote(view.user.name.as_bytes());
    format!("usermod {option} {} {name}", shell::quote(value.as_bytes()))
}

fn groups(
    view: &UserView,
    condition: &str,
    wanted: &SetOf<Expect<Principal>>,
    target: &dyn Target,
) -> Assertion {
    let assertion =
        about(view, condition).expected(format!("groups: {}", wanted.show(Expect::show)));
    let gids: Vec<u32> = match target.groups_of(&view.user) {
        Ok(gids) => gids.into_iter().collect(),
        Err(why) => return assertion.unknown(why),
    };
    let names: Vec<String> = gids.iter().map(|gid| group_name(target, *gid)).collect();
    let judged =
        wanted.judge(&gids, |expect, gid| crate::rules::identity::group_is(target, expect, *gid));
    let user = shell::quote(view.user.name.as_bytes());
    let lacking: Vec<String> = judged
        .missing
        .iter()
        .filter_map(|expect| expect.wanted())
        .map(Principal::to_string)
        .collect();
    // Of `any` one is enough, and which is for people to say.
    let only_all = wanted.members(Word::Any).next().is_none();
    let assertion = match lacking.is_empty() || !only_all {
        true => assertion,
        false => {
            let groups = shell::quote(lacking.join(",").as_bytes());
            assertion.repair(format!("usermod --append --groups {groups} {user}"))
        }
    };
    assertion.observed(names.join(", ")).decide(judged.holds)
}

fn can_login(view: &UserView, wanted: bool, target: &dyn Target) -> Assertion {
    let user = &view.user;
    let assertion =
        about(view, "can_login").expected(if wanted { "can log in" } else { "cannot log in" });
    let assertion = match wanted {
        // A password is for its owner to set: what opens an account nobody but people should do.
        true => assertion,
        false => assertion.repair(format!(
            "usermod --lock --shell /usr/sbin/nologin {}",
            shell::quote(user.name.as_bytes())
        )),
    };
    if has_no_shell(user) {
        return assertion.observed(format!("shell {}", user.shell)).decide(Ok(!wanted));
    }
    let open = |password: &PasswordField| {
        !matches!(password, PasswordField::Locked | PasswordField::Shadow)
    };
    // What bars a login matters where a password would match.
    let bar = match shadow_of(user, target) {
        Ok(password) if open(&password) => barred(user, target),
        _ => Ok(None),
    };
    match bar {
        Ok(Some(why)) => return assertion.observed(why).decide(Ok(!wanted)),
        Ok(None) => {}
        Err(why) => return assertion.unknown(why),
    }
    match shadow_of(user, target) {
        Ok(password) => {
            let observed = format!("shell {}, {}", shell_of(user), password_words(&password));
            let open = open(&password);
            // Its line in shadow may be one that was not understood.
            let holds = match (open == wanted, password) {
                (true, PasswordField::Shadow) => {
                    target.accounts().and_then(|accounts| shadow_understood(&accounts))
                }
                (holds, _) => Ok(holds),
            };
            assertion.observed(observed).decide(holds)
        }
        Err(why) => assertion.unknown(why),
    }
}

/// Whether all lines of `/etc/shadow` were understood; those of other files say nothing about it.
fn shadow_understood(accounts: &Accounts) -> Fact<bool> {
    let mut lines = accounts.malformed.iter();
    match lines.find(|line| line.starts_with("/etc/shadow:")) {
        Some(line) => Err(not_understood(line)),
        None => Ok(true),
    }
}

/// The login shell. passwd(5): an empty field means `/bin/sh`.
pub(super) fn shell_of(user: &User) -> &str {
    if user.shell.is_empty() { "/bin/sh" } else { &user.shell }
}

/// Whether the login shell lets nobody in.
pub fn has_no_shell(user: &User) -> bool {
    user.shell.ends_with("/nologin")
        || user.shell.ends_with("/false")
        || user.shell.ends_with("/sync")
}
