//! Sections: which are conditions, and what of all that they say is in force.

use super::{listen, names};
use crate::facts::Fact;
use crate::facts::settings::{Block, Setting};
use crate::formats::last;
use crate::formats::limits::Budget;
use std::collections::BTreeMap;
use std::path::Path;

/// What a section is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It limits what its directives apply to.
    Section,
    /// `<IfModule>`
    Module,
    /// `<IfDefine>`
    Define,
    /// `<IfFile>`
    File,
    /// `<IfVersion>` and others that are decided by what no file tells.
    Version,
    /// `<Macro>`: read where it is used.
    Macro,
}

/// The kind of a section by its name.
pub fn kind(name: &str) -> Kind {
    match name.to_ascii_lowercase().as_str() {
        "ifmodule" => Kind::Module,
        "ifdefine" => Kind::Define,
        "iffile" => Kind::File,
        "ifversion" | "ifdirective" | "ifsection" => Kind::Version,
        "macro" => Kind::Macro,
        _ => Kind::Section,
    }
}

/// Whether `<IfVersion>` holds in every 2.4, which is what the defaults are those of. `None`: that
/// depends on the third number.
pub fn version_holds(condition: &str) -> Option<bool> {
    let (operator, version) = condition.split_once(' ').unwrap_or(("=", condition));
    let (negated, operator) = match operator.strip_prefix('!') {
        Some(operator) => (true, operator),
        None => (false, operator),
    };
    let mut numbers = version.trim().split('.').map(str::parse::<u32>);
    let major = numbers.next()?.ok()?;
    let minor = numbers.next().unwrap_or(Ok(0)).ok()?;
    let patch = numbers.next().unwrap_or(Ok(0)).ok()?;
    // Unless it is 2.4 itself, all versions of 2.4 stand on one side of it.
    let order = (2_u32, 4_u32).cmp(&(major, minor));
    let holds = match (operator, order) {
        ("=" | "==", order) if order.is_ne() => false,
        (">" | ">=", order) if order.is_ne() => order.is_gt(),
        ("<" | "<=", order) if order.is_ne() => order.is_lt(),
        (">=", _) if patch == 0 => true,
        ("<", _) if patch == 0 => false,
        // No version of 2.4 was released under the number 2.4.0.
        (">", _) if patch == 0 => true,
        ("<=" | "=" | "==", _) if patch == 0 => false,
        _ => return None,
    };
    Some(holds != negated)
}

/// Leaves what is in force in a configuration that has been read.
///
/// # Errors
/// When virtual hosts take more from the main server than there is room for.
pub fn finish(root: &mut Block, budget: &mut Budget, path: &Path) -> Fact<()> {
    in_force(root);
    let main: Vec<Setting> =
        root.settings.iter().filter(|s| names::is_inherited(&s.name)).cloned().collect();
    for host in root.blocks.iter_mut().filter(|b| b.name.eq_ignore_ascii_case("VirtualHost")) {
        for setting in &main {
            if !host.settings.iter().any(|own| own.name.eq_ignore_ascii_case(&setting.name)) {
                budget.take(path)?;
                host.settings.push(setting.clone());
            }
        }
    }
    let parts: Vec<Block> = root
        .settings
        .iter()
        .filter(|setting| setting.name.eq_ignore_ascii_case("Listen"))
        .map(listen::parts)
        .collect();
    root.blocks.extend(parts);
    Ok(())
}

fn in_force(block: &mut Block) {
    merge_directories(block);
    block.settings = last::in_force(std::mem::take(&mut block.settings), |setting| {
        names::is_single(&setting.name).then(|| setting.name.to_ascii_lowercase())
    });
    block.blocks.iter_mut().for_each(in_force);
}

/// Makes one of several sections for the same directory: apache merges them in their order.
fn merge_directories(block: &mut Block) {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut merged: Vec<Block> = Vec::new();
    for inner in std::mem::take(&mut block.blocks) {
        if inner.name.eq_ignore_ascii_case("Directory") {
            let label = inner.label.trim_end_matches('/').to_owned();
            if let Some(first) = known.get(&label).and_then(|index| merged.get_mut(*index)) {
                first.settings.extend(inner.settings);
                first.blocks.extend(inner.blocks);
                continue;
            }
            known.insert(label, merged.len());
        }
        merged.push(inner);
    }
    block.blocks = merged;
}
