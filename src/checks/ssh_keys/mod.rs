#![doc = include_str!("page.md")]

use super::controllers::{Allowed, controlled};
use super::sudo::several;
use super::user::has_no_shell;
use super::user::login::{expired, no_shell};
use crate::access::listing;
use crate::control::Items;
use crate::control::ssh::{self, Config};
use crate::facts::account::{Origin, User};
use crate::facts::file::{AclEntry, AclTag, FileFact, FileKind};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use crate::host::route::route;
use crate::policy::Diagnostics;
use crate::policy::operand::Principal;
use crate::rules::combine::Demand;
use crate::rules::condition::{
    Condition, ConditionInfo, Form, infos, only_true, read_all, refuse_combinators,
};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text;
use crate::text::shell::quote_path;
use crate::verdict::{Assertion, Evidence, Subject};
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// `ssh_keys:`
pub static SSH_KEYS: SubjectKind = SubjectKind {
    key: "ssh_keys",
    value: "all, or the name of an account",
    options: &[],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: false,
    patterns: false,
    refers: None,
    compile,
};

/// What conditions see.
pub struct KeysView {
    subject: Subject,
    config: Config,
    users: Vec<User>,
    found: RefCell<Vec<Assertion>>,
}

static CONDITIONS: &[Condition<KeysView>] = &[
    Condition {
        info: ConditionInfo {
            name: "root",
            doc: "Whether uid 0 may have keys; false: no account of uid 0 has one that sshd takes.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            if problems.ok(node.boolean())? {
                problems.push(node.expected("false"));
                return None;
            }
            Some(Box::new(root))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "strict",
            doc: "Every file of keys, and every directory up to the home, is as StrictModes of sshd \
                  wants it.",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| {
            only_true(node, problems)?;
            Some(Box::new(strict))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "controlled_only_by",
            doc: "owner: nobody but the account itself and root could add a key for it.",
            form: Form::OneOf(&["owner"]),
            example: "owner",
        },
        read: |node, _, problems| {
            problems.ok(crate::rules::compile::one_of(node, &["owner"]))?;
            Some(Box::new(owner_only))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "host_keys",
            doc: "Private keys of the host belong to root, and nobody else may read or write them.",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| {
            only_true(node, problems)?;
            Some(Box::new(host_keys))
        },
    },
];

/// The answer where nothing was found.
fn sound(view: &KeysView, condition: &str, expected: &str, seen: String) -> Assertion {
    let unread = view.config.unread.first();
    Assertion::of(&view.subject, condition)
        .expected(expected)
        .observed(seen)
        .decide(unread.map_or(Ok(true), |why| Err(why.clone())))
}

/// A finding about one account.
fn about(user: &User, condition: &str, expected: &str) -> Assertion {
    Assertion::of(&Subject::new("ssh_keys", user.name.clone()), condition).expected(expected)
}

/// Files with keys of a user: path and file.
fn files_of(view: &KeysView, user: &User, target: &dyn Target) -> Vec<Fact<(PathBuf, PathBuf)>> {
    let there = |path: PathBuf| match route(target, &path) {
        Ok(found) => found
            .end
            .filter(|(_, fact)| fact.kind == FileKind::File)
            .map(|(end, _)| Ok((path, end))),
        Err(why) => Some(Err(why)),
    };
    ssh::files(&view.config, user).into_iter().filter_map(there).collect()
}

fn root(view: &KeysView, target: &dyn Target) -> Assertion {
    let expected = "no key of root that sshd takes";
    let mut refusals = Vec::new();
    for user in view.users.iter().filter(|user| user.uid == 0) {
        match refused(view, user, target) {
            Ok(None) => {}
            Ok(Some(why)) => {
                refusals.push(why);
                continue;
            }
            Err(why) => {
                view.found.borrow_mut().push(about(user, "root", expected).unknown(why));
                continue;
            }
        }
        let sources = view.config.other_sources(user);
        if !sources.is_empty() {
            let what = format!("keys of {} by {}", user.name, sources.join(", "));
            let why =
                Cause::Unsupported("sshd takes what it is told there, which is not seen".into());
            let finding = about(user, "root", expected).unknown(Unknown::new(what, why));
            view.found.borrow_mut().push(finding);
        }
        for file in files_of(view, user, target) {
            let judged = file.and_then(|(path, end)| {
                let keys = ssh::keys(&target.read(&end)?.unwrap_or_default());
                Ok((path, keys))
            });
            let finding = about(user, "root", expected);
            match judged {
                Ok((_, keys)) if keys.is_empty() => {}
                Ok((path, names)) => {
                    let keys = names.len();
                    let plural = if keys == 1 { "key" } else { "keys" };
                    let shown = text::path(&path);
                    let quoted = quote_path(&path);
                    view.found.borrow_mut().push(
                        finding
                            .observed(format!("{} has {keys} {plural} in {shown}", user.name))
                            .seen([Evidence::line(&path, 0, format!("{keys} {plural}"))])
                            .offenders(names.iter().map(|name| format!("{name} in {shown}")))
                            .repair(format!(
                                "rm {quoted} # and log in as somebody who may use sudo"
                            ))
                            .fail(),
                    );
                }
                Err(why) => view.found.borrow_mut().push(finding.unknown(why)),
            }
        }
    }
    let seen = if refusals.is_empty() { "none".into() } else { refusals.join(", ") };
    sound(view, "root", expected, seen)
}

/// Why sshd lets a user in with no key at all, if so. That an account has expired counts where it is seen.
fn refused(view: &KeysView, user: &User, target: &dyn Target) -> Fact<Option<String>> {
    if let Some(why) = view.config.refuses_keys(user, target)? {
        return Ok(Some(why));
    }
    if let Ok(Some(why)) = expired(user, target) {
        return Ok(Some(why));
    }
    no_shell(user, target)
}

fn strict(view: &KeysView, target: &dyn Target) -> Assertion {
    let expected = "as StrictModes wants it";
    let mut count = 0;
    for user in &view.users {
        for file in files_of(view, user, target) {
            count += 1;
            let judged = file.and_then(|(_, end)| loose(&end, user, target));
            let finding = about(user, "strict", expected);
            match judged {
                Ok(None) => {}
                Ok(Some((path, fact, why))) => {
                    let quoted = quote_path(&path);
                    let step = match why {
                        Loose::Owner => format!("chown {} {quoted}", user.uid),
                        Loose::Writable => format!("chmod go-w {quoted}"),
                    };
                    let words =
                        format!("{} is {}, uid {}", text::path(&path), listing(&fact), fact.uid);
                    view.found.borrow_mut().push(
                        finding
                            .observed(words)
                            .seen([Evidence::file(&path, &fact)])
                            .repair(step)
                            .fail(),
                    );
                }
                Err(why) => view.found.borrow_mut().push(finding.unknown(why)),
            }
        }
    }
    sound(view, "strict", expected, format!("{count} files with keys"))
}

enum Loose {
    Owner,
    Writable,
}

/// The first of a file and the directories above it, up to the home, that StrictModes minds:
/// `safe_path()` of OpenSSH's `misc.c`.
fn loose(
    file: &Path,
    user: &User,
    target: &dyn Target,
) -> Fact<Option<(PathBuf, FileFact, Loose)>> {
    let home = route(target, Path::new(&user.home))?.end.map(|(path, _)| path);
    for path in file.ancestors() {
        let Some(fact) = target.file(path)? else { return Ok(None) };
        if fact.uid != 0 && fact.uid != user.uid {
            return Ok(Some((path.to_owned(), (*fact).clone(), Loose::Owner)));
        }
        let others = fact.mode.0 & 0o002 != 0;
        let group = fact.mode.0 & 0o020 != 0 && !is_own_group(fact.gid, user, target)?;
        if others || group {
            return Ok(Some((path.to_owned(), (*fact).clone(), Loose::Writable)));
        }
        if home.as_deref() == Some(path) {
            break;
        }
    }
    Ok(None)
}

/// Whether nobody but this user (and root) is in a group.
fn is_own_group(gid: u32, user: &User, target: &dyn Target) -> Fact<bool> {
    let accounts = target.accounts()?;
    let Some(group) = target.group_by_id(gid)? else { return Ok(false) };
    if group.origin == Origin::Nss && group.members.is_empty() {
        let why = Cause::Unsupported("its name service lists no members".into());
        return Err(Unknown::new(format!("members of group {}", group.name), why));
    }
    let alone = |name: &str| name == user.name || name == "root";
    let primary = accounts.users.iter().filter(|other| other.gid == gid);
    Ok(group.members.iter().all(|name| alone(name)) && primary.into_iter().all(|o| alone(&o.name)))
}

fn owner_only(view: &KeysView, target: &dyn Target) -> Assertion {
    const NAME: &str = "controlled_only_by";
    let mut count = 0;
    for user in &view.users {
        // Nobody logs in to an account without a home and without a shell.
        if has_no_shell(user) {
            continue;
        }
        match target.file(Path::new(&user.home)) {
            Ok(Some(_)) => {}
            Ok(None) => continue,
            Err(why) => {
                let finding = about(user, NAME, "controlled only by the account itself");
                view.found.borrow_mut().push(finding.unknown(why));
                continue;
            }
        }
        let mut items = Items::default();
        for path in ssh::files(&view.config, user) {
            count += 1;
            items.add(path, "file of keys");
        }
        let subject = Subject::new("ssh_keys", user.name.clone());
        let answers = match Allowed::of(&[Principal::Name(user.name.clone())], target) {
            Ok(allowed) => controlled(&subject, NAME, &items, &allowed, target),
            Err(why) => vec![Assertion::of(&subject, NAME).unknown(why)],
        };
        let wrong =
            answers.into_iter().filter(|answer| answer.outcome != crate::verdict::Outcome::Pass);
        view.found.borrow_mut().extend(wrong);
    }
    sound(view, NAME, "controlled only by the account itself", format!("{count} files of keys"))
}

fn host_keys(view: &KeysView, target: &dyn Target) -> Assertion {
    let expected = "private keys of root alone";
    let folder = Path::new("/etc/ssh");
    let names = match target.list(folder) {
        Ok(names) => names.unwrap_or_default(),
        Err(why) => return Assertion::of(&view.subject, "host_keys").unknown(why),
    };
    let mut count = 0;
    for name in names.iter() {
        let shown = name.to_string_lossy();
        if !(shown.starts_with("ssh_host_") && shown.ends_with("_key")) {
            continue;
        }
        count += 1;
        let path = folder.join(name);
        let subject = Subject::new("file", text::path(&path));
        let finding = Assertion::of(&subject, "host_keys").expected(expected);
        match key_file(&path, target) {
            Ok(None) => {}
            Ok(Some(fact)) => {
                let quoted = quote_path(&path);
                view.found.borrow_mut().push(
                    finding
                        .observed(format!("{}, uid {}", listing(&fact), fact.uid))
                        .seen([Evidence::file(&path, &fact)])
                        .repair(format!("chown root:root {quoted} && chmod 0600 {quoted}"))
                        .fail(),
                );
            }
            Err(why) => view.found.borrow_mut().push(finding.unknown(why)),
        }
    }
    sound(view, "host_keys", expected, format!("{count} private keys"))
}

/// A key that others can read or write. Red Hat's keys are readable for the group `ssh_keys`, which
/// is the group of a setgid helper and has no members: a group that nobody is in gives nobody
/// anything.
fn key_file(path: &Path, target: &dyn Target) -> Fact<Option<FileFact>> {
    let Some((end, fact)) = route(target, path)?.end else { return Ok(None) };
    let open = fact.uid != 0 || fact.mode.0 & 0o007 != 0 || {
        let group = fact.mode.0 & 0o070 != 0;
        let listed = group && target.acl(&end)?.is_some_and(|acl| acl.entries.iter().any(names));
        // With a list the bits of the group are its mask: whoever it names is somebody.
        listed || (group && fact.gid != 0 && has_members(fact.gid, target)?)
    };
    Ok(open.then(|| (*fact).clone()))
}

/// Whether an entry of a list gives something to somebody by name.
fn names(entry: &AclEntry) -> bool {
    entry.perms != 0 && matches!(entry.who, AclTag::User(1..) | AclTag::Group(1..))
}

/// Whether anybody but root is in a group, or nobody can tell.
fn has_members(gid: u32, target: &dyn Target) -> Fact<bool> {
    let Some(group) = target.group_by_id(gid)? else { return Ok(true) };
    let accounts = target.accounts()?;
    let primary = accounts.users.iter().any(|user| user.gid == gid && user.uid != 0);
    let unlisted = group.origin == Origin::Nss && group.members.is_empty();
    Ok(primary || unlisted || group.members.iter().any(|name| name != "root"))
}

struct KeysCheck {
    /// `None`: all accounts.
    user: Option<String>,
    tests: Vec<Demand<KeysView>>,
}

fn compile(scope: &Scope, input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let user =
        problems.ok(input.subject.text("`all`, or the name of an account").map(str::to_owned));
    refuse_combinators(&input.must, infos(CONDITIONS), problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(KeysCheck { user: user.filter(|user| user != "all"), tests }))
}

impl Check for KeysCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let name = self.user.clone().unwrap_or_else(|| "all".to_owned());
        let subject = Subject::new("ssh_keys", name);
        let look = || -> Result<(Config, Vec<User>), Unknown> {
            let users = match &self.user {
                Some(name) => target.user(name)?.into_iter().collect(),
                None => target.accounts()?.users.clone(),
            };
            Ok((ssh::config(target)?, users))
        };
        match look() {
            Ok((_, users)) if users.is_empty() && self.user.is_some() => {
                let exists = Assertion::of(&subject, "exists").expected("an account of that name");
                vec![exists.observed("there is none").fail()]
            }
            Ok((config, users)) => {
                let view = KeysView { subject, config, users, found: RefCell::default() };
                several(&self.tests, &view, &view.found, target)
            }
            Err(why) => {
                let about = |test: &Demand<KeysView>| Assertion::of(&subject, test.name());
                self.tests.iter().map(|test| about(test).unknown(why.clone())).collect()
            }
        }
    }
}
