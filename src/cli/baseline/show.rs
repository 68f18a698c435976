//! `spotcheck baseline show`: what a baseline says, of itself or of some files.

use super::place;
use crate::cli::console::Console;
use crate::cli::drift::{PlaceArgs, load_or_say};
use crate::drift::store;
use crate::facts::object::Class;
use crate::facts::scope::Rules;
use crate::facts::snapshot::{Content, Hex};
use crate::text::{self, time};
use crate::verdict::Exit;
use std::fmt::Write as _;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    place: PlaceArgs,
    /// Files of which everything known is printed
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

impl Show {
    pub(super) fn run(&self, console: &Console) -> Result<Exit, Exit> {
        let (place, key) = place(&self.place, console)?;
        let loaded = load_or_say(&place, key.as_ref(), console)?;
        let text =
            if self.paths.is_empty() { whole(&loaded) } else { self.files(&loaded, console)? };
        Ok(console.print(&text, Exit::Holds))
    }

    fn files(&self, loaded: &store::Loaded, console: &Console) -> Result<String, Exit> {
        use std::os::unix::ffi::OsStrExt;
        let baseline = &loaded.baseline;
        let rules = Rules::new(&baseline.head.scope).map_err(|why| console.fail(&why))?;
        let mut out = String::new();
        for path in &self.paths {
            let bytes = path.as_os_str().as_bytes();
            let name = text::path(path);
            let Some(record) = baseline.tree.get(bytes) else {
                return Err(console.fail(&format!("{name}: the baseline does not have it")));
            };
            let _ = writeln!(out, "{}", text::printable(&name));
            let mut line = |key: &str, value: String| {
                let _ = writeln!(out, "  {key:8}  {}", text::printable(&value));
            };
            line("type", record.kind.name().to_owned());
            line("use", rules.use_of(bytes).name().to_owned());
            line("owner", format!("{}:{}", record.uid, record.gid));
            line("mode", record.mode.to_string());
            line("size", record.size.to_string());
            line("mtime", time::utc(record.modified.seconds));
            line("ctime", time::utc(record.changed.seconds));
            line("inode", format!("{}, {} links", record.inode, record.links));
            if !record.link().is_empty() {
                line("target", text::bytes(record.link()));
            }
            if let Content::Digest(digest) = record.content {
                let algorithm = baseline.head.algorithm;
                let digest = digest.get(..algorithm.size()).unwrap_or_default();
                line("content", format!("{}:{}", algorithm.name(), Hex(digest)));
            }
            for (name, value) in record.extra.iter().flat_map(|extra| &extra.xattrs) {
                line("xattr", format!("{} 0x{}", text::bytes(name), Hex(value)));
            }
            let package = (record.package as usize).checked_sub(1);
            if let Some(package) = package.and_then(|index| baseline.head.packages.get(index)) {
                line("package", package.clone());
            }
        }
        Ok(out)
    }
}

fn whole(loaded: &store::Loaded) -> String {
    let baseline = &loaded.baseline;
    let head = &baseline.head;
    let mut out = String::new();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "{key:11} {}", text::printable(value));
    };
    line("baseline", loaded.against.digest.as_deref().unwrap_or_default());
    line("signature", loaded.against.signature.as_deref().unwrap_or("not signed"));
    line("target", &head.target);
    line("taken", &format!("{} by {}", time::utc(head.taken.seconds), head.by));
    let paths: Vec<String> = head.scope.paths.iter().map(|path| text::path(path)).collect();
    line("paths", &paths.join(" "));
    if !head.scope.exclude.is_empty() {
        line("without", &head.scope.exclude.join(" "));
    }
    line("files", &format!("{}, contents by {}", baseline.tree.len(), head.algorithm.name()));
    for class in Class::ALL {
        if let Some(all) = baseline.objects.all.get(&class) {
            line(class.name(), &all.len().to_string());
        }
    }
    if !head.gaps.is_empty() {
        line("not seen", &head.gaps.count.to_string());
    }
    for one in &head.acceptances {
        let day: String = time::utc(one.expires).chars().take(10).collect();
        let what = format!(
            "{} {} {} until {day} by {}: {}",
            one.class.name(),
            one.name,
            one.attribute,
            one.by,
            one.reason
        );
        line("accepted", &what);
    }
    for entry in loaded.history.iter().flat_map(|history| &history.entries) {
        let mut what = format!("{} {} by {}", entry.time, entry.event, entry.by);
        for (word, value) in [("until", &entry.expires), ("ticket", &entry.ticket)] {
            if let Some(value) = value {
                let _ = write!(what, ", {word} {value}");
            }
        }
        if let Some(reason) = &entry.reason {
            let _ = write!(what, ": {reason}");
        }
        let objects = entry.objects.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        let more = entry.objects.len().saturating_sub(5);
        if !objects.is_empty() {
            let _ = write!(what, " [{objects}");
            let _ = if more > 0 { write!(what, " and {more} more]") } else { write!(what, "]") };
        }
        line("history", &what);
    }
    out
}
