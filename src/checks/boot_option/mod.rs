#![doc = include_str!("page.md")]

mod conditions;
mod view;

use crate::host::Target;
use crate::policy::Diagnostics;
use crate::rules::combine::Demand;
use crate::rules::condition::{infos, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::verdict::Assertion;
use conditions::CONDITIONS;
use view::BootOptionView;

/// `boot_option:`
pub static BOOT_OPTION: SubjectKind = SubjectKind {
    key: "boot_option",
    value: "name of an option of the kernel's command line: mitigations",
    options: &[],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: false,
    refers: None,
    compile,
};

struct BootOptionCheck {
    name: String,
    tests: Vec<Demand<BootOptionView>>,
}

fn compile(scope: &Scope, input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let name = problems.ok(input.subject.text("the name of an option of the kernel"))?.to_owned();
    let fits = |c: char| c.is_ascii_graphic() && !"=\"'*".contains(c);
    if name.is_empty() || !name.chars().all(fits) {
        problems.push(input.subject.expected(
            "the name of an option of the kernel's command line, such as mitigations; its value \
             stands under `must`",
        ));
        return None;
    }
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(BootOptionCheck { name, tests }))
}

impl Check for BootOptionCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let view = BootOptionView::of(&self.name, target);
        self.tests.iter().map(|demand| demand.judge(&view, target)).collect()
    }
}
