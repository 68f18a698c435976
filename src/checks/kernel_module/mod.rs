#![doc = include_str!("page.md")]

use crate::facts::host::TargetKind;
use crate::facts::module::{ModuleRule, ModuleRules};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::boot::CommandLine;
use crate::formats::modprobe::plain;
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::rules::combine::Demand;
use crate::rules::condition::{Condition, ConditionInfo, Form, infos, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::verdict::{Assertion, Evidence, Subject};
use std::path::Path;
use std::sync::Arc;

/// `kernel_module:`
pub static KERNEL_MODULE: SubjectKind = SubjectKind {
    key: "kernel_module",
    value: "name of a kernel module",
    options: &[],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: false,
    refers: None,
    compile,
};

/// A module, as conditions see it.
pub struct ModuleView {
    subject: Subject,
    /// With `_`.
    name: String,
    rules: Arc<ModuleRules>,
}

static CONDITIONS: &[Condition<ModuleView>] = &[
    Condition {
        info: ConditionInfo {
            name: "loaded",
            doc: "It is loaded or built into the kernel (true), or it is neither (false).",
            form: Form::Boolean,
            example: "false",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, target| loaded(view, wanted, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "blacklisted",
            doc: "Devices and other aliases do not load it.",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, target| {
                let words = if wanted { "blacklisted" } else { "not blacklisted" };
                ruled(view, "blacklisted", words, wanted, target, &|rule| rule.install.is_none())
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "disabled",
            doc: "modprobe does not load it either.",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, target| {
                let words = if wanted { "disabled" } else { "not disabled" };
                ruled(view, "disabled", words, wanted, target, &does_nothing)
            }))
        },
    },
];

struct ModuleCheck {
    name: String,
    tests: Vec<Demand<ModuleView>>,
}

fn compile(scope: &Scope, input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let name = problems.ok(input.subject.text("the name of a kernel module"))?.to_owned();
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) {
        problems.push(input.subject.expected("the name of a kernel module, such as usb-storage"));
    }
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(ModuleCheck { name, tests }))
}

impl Check for ModuleCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let view = ModuleView {
            subject: Subject::new("kernel_module", self.name.clone()),
            name: plain(&self.name),
            rules: crate::formats::modprobe::configured(target),
        };
        self.tests.iter().map(|demand| demand.judge(&view, target)).collect()
    }
}

/// Where a module is: loaded, built in, or nowhere.
fn place(name: &str, target: &dyn Target) -> Fact<Option<&'static str>> {
    let modules = Path::new("/proc/modules");
    if let Some(content) = target.read(modules)? {
        let text = String::from_utf8_lossy(&content);
        if text.lines().any(|line| line.split(' ').next() == Some(name)) {
            return Ok(Some("loaded"));
        }
    }
    // Where modules have something to say, built-in ones do too.
    if target.file(&Path::new("/sys/module").join(name))?.is_some() {
        return Ok(Some("built into the kernel"));
    }
    let Some(release) = &target.host().kernel else {
        let why = "which kernel runs is not known".to_owned();
        return Err(Unknown::new(name, Cause::Unsupported(why)));
    };
    let list = Path::new("/lib/modules").join(release).join("modules.builtin");
    let Some(content) = target.read(&list)? else {
        let why = "there is no such list, so what is built into the kernel is not known".to_owned();
        return Err(Unknown::new(list.display().to_string(), Cause::Unsupported(why)));
    };
    let text = String::from_utf8_lossy(&content);
    let file_name = |line: &str| {
        let name = line.rsplit('/').next().unwrap_or_default().split(".ko").next();
        plain(name.unwrap_or_default())
    };
    let built_in = text.lines().any(|line| file_name(line) == name);
    Ok(built_in.then_some("built into the kernel"))
}

fn loaded(view: &ModuleView, wanted: bool, target: &dyn Target) -> Assertion {
    let assertion = Assertion::of(&view.subject, "loaded").expected(if wanted {
        "loaded"
    } else {
        "not loaded"
    });
    if target.host().kind == TargetKind::Image {
        return assertion.unknown(Unknown::new(view.name.clone(), Cause::NotRunning));
    }
    let verb = if wanted { "modprobe" } else { "modprobe -r" };
    match place(&view.name, target) {
        Ok(place) => {
            let assertion = assertion.observed(place.unwrap_or("not loaded"));
            let assertion = match place {
                Some("loaded") | None => assertion.repair(format!("{verb} {}", view.name)),
                Some(_) => assertion,
            };
            assertion.decide(Ok(place.is_some() == wanted))
        }
        Err(why) => assertion.unknown(why),
    }
}

/// Whether a module's `install` line does nothing at all. A shell runs it: `false || insmod …` does.
fn does_nothing(rule: &ModuleRule) -> bool {
    const NOTHING: [&str; 6] =
        ["/bin/true", "/bin/false", "/usr/bin/true", "/usr/bin/false", "true", "false"];
    let command = rule.install.as_deref().unwrap_or_default();
    let first = command.split_whitespace().next().unwrap_or_default();
    NOTHING.contains(&first) && !command.contains([';', '|', '&', '`', '(', '<', '>', '\n'])
}

/// Whether what an `install` line runs can be told: a command that does nothing, or one of a list
/// that loads this very module. What another program does in its place is not known.
fn is_known(rule: &ModuleRule, name: &str) -> bool {
    let command = rule.install.as_deref().unwrap_or_default();
    let loads = |part: &str| {
        let mut words = part.split_whitespace();
        let first = words.next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        let names = |word: &str| {
            let file = word.rsplit('/').next().unwrap_or_default();
            plain(file.split(".ko").next().unwrap_or_default()) == name
        };
        matches!(first, "modprobe" | "insmod") && words.any(names)
    };
    does_nothing(rule) || command.split([';', '|', '&', '\n']).any(loads)
}

/// Whether a line is about a module. modprobe takes the name in an `install` line for a pattern, that
/// of a `blacklist` for itself.
fn is_about(rule: &ModuleRule, name: &str) -> bool {
    let pattern = || globset::Glob::new(&rule.module).map(|glob| glob.compile_matcher());
    rule.module == name
        || rule.install.is_some() && pattern().is_ok_and(|pattern| pattern.is_match(name))
}

/// A parameter of the kernel's command line that names the module.
fn on_command_line(
    view: &ModuleView,
    parameters: &[&str],
    target: &dyn Target,
) -> Fact<Option<String>> {
    if target.host().kind == TargetKind::Image {
        return Ok(None);
    }
    let Some(content) = target.read(Path::new("/proc/cmdline"))? else { return Ok(None) };
    let line = CommandLine::parse(&String::from_utf8_lossy(&content));
    let names = |modules: &&str| modules.split(',').any(|module| plain(module) == view.name);
    Ok(parameters.iter().find_map(|parameter| {
        let modules = line.values(parameter).into_iter().find(names)?;
        Some(format!("{parameter}={modules}"))
    }))
}

fn ruled(
    view: &ModuleView,
    condition: &str,
    expected: &str,
    wanted: bool,
    target: &dyn Target,
    fits: &dyn Fn(&ModuleRule) -> bool,
) -> Assertion {
    let mut assertion = Assertion::of(&view.subject, condition).expected(expected);
    let line = if condition == "disabled" {
        format!("install {} /bin/false", view.name)
    } else {
        format!("blacklist {}", view.name)
    };
    if wanted {
        assertion = assertion
            .repair(format!("printf '%s\\n' '{line}' >> /etc/modprobe.d/{}.conf", view.name));
    }
    let parameters: &[&str] = match condition {
        "disabled" => &["module_blacklist"],
        _ => &["module_blacklist", "modprobe.blacklist"],
    };
    match on_command_line(view, parameters, target) {
        Ok(Some(word)) => {
            let seen = Evidence::line(Path::new("/proc/cmdline"), 1, word.clone());
            return assertion.observed(word).seen([seen]).decide(Ok(wanted));
        }
        Ok(None) => {}
        Err(why) => return assertion.unknown(why),
    }
    let mut rules = view.rules.rules.iter().filter(|rule| is_about(rule, &view.name));
    let installs = condition == "disabled";
    // Of several install lines the first counts: `kmod_module_get_install_commands()` of libkmod.
    let rule = match installs {
        true => rules.find(|rule| rule.install.is_some()),
        false => rules.find(|rule| fits(rule)),
    };
    let says_so = rule.filter(|rule| fits(rule));
    let holds = match (rule, view.rules.unread.first()) {
        // What is not read may say it, or stand before the line that was found.
        (rule, Some(why)) if rule.is_none() || installs => Err(why.clone()),
        (Some(rule), None) if installs && !is_known(rule, &view.name) => {
            let command = rule.install.as_deref().unwrap_or_default();
            let why = format!("`{command}` runs instead, and whether that loads it is not known");
            Err(Unknown::new(rule.at.to_string(), Cause::Unsupported(why)))
        }
        _ => Ok(says_so.is_some() == wanted),
    };
    let observed = match (rule, says_so) {
        (_, Some(rule)) => rule.at.to_string(),
        (Some(rule), None) => {
            format!("{} ({})", rule.install.as_deref().unwrap_or_default(), rule.at)
        }
        (None, None) => "no line says so".to_owned(),
    };
    let text = |rule: &ModuleRule| match &rule.install {
        Some(command) => format!("install {} {command}", rule.module),
        None => format!("blacklist {}", rule.module),
    };
    let seen = rule.map(|rule| Evidence::line(&rule.at.file, rule.at.line, text(rule)));
    assertion.observed(observed).seen(seen).decide(holds)
}
