//! What a command looks at: this host, a root filesystem or image that does not run, or a recording.

use super::site;
use crate::config;
use crate::drift::collect::Site;
use crate::drift::privileged::formerly;
use crate::drift::run::since;
use crate::drift::store as baselines;
use crate::drift::store::signature::Key;
use crate::drift::store::state::State;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::before::{Comparison, Former};
use crate::host::{Target, Wants};
use crate::policy::library::{BuiltIn, HOST, IMAGE};
use crate::rules::plan::Plan;
use crate::safety::sandbox::Need;
use crate::targets::image;
use crate::targets::image::Choice;
use crate::targets::live::Live;
use crate::targets::offline::Still;
use crate::targets::recording::{Playback, store};
use crate::targets::rootfs::Rootfs;
use crate::targets::survey::Reading;
use clap::Args;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Options that choose the target.
#[derive(Args, Clone)]
pub struct TargetArgs {
    /// Look at the root filesystem in this directory instead of this host
    #[arg(long, value_name = "DIR", conflicts_with_all = ["image", "recording"])]
    pub root: Option<PathBuf>,
    /// Look at what `spotcheck record` has written to this file instead
    #[arg(long, value_name = "FILE", conflicts_with = "image")]
    pub recording: Option<PathBuf>,
    /// Look at a container image instead: an archive of docker save, podman, skopeo or crane, an
    /// OCI layout, the files of docker export; - reads it from standard input
    #[arg(long, value_name = "PATH")]
    pub image: Option<PathBuf>,
    /// Choose the image for this platform, such as linux/arm64
    #[arg(long, value_name = "OS/ARCH", requires = "image", conflicts_with = "all_platforms")]
    pub platform: Option<String>,
    /// Choose the image of this name
    #[arg(long = "ref", value_name = "NAME", requires = "image")]
    pub reference: Option<String>,
    /// Check the image for every platform
    #[arg(long, requires = "image")]
    pub all_platforms: bool,
    /// The baseline that rules about drift compare with; without it that of this host
    #[arg(long, value_name = "FILE", conflicts_with = "recording")]
    pub baseline: Option<PathBuf>,
    /// What the configuration says of baselines.
    #[arg(skip)]
    pub drift: config::Drift,
}

impl TargetArgs {
    /// Whether it is the host that this runs on.
    pub fn is_this_host(&self) -> bool {
        self.root.is_none() && self.recording.is_none() && self.image.is_none()
    }

    /// The options again, for the command that verifies a single rule. Whether a repair was one, no
    /// recording will show.
    pub fn again(&self) -> String {
        let path = |option: &str, path: &Option<PathBuf>| {
            let quoted = path.as_ref().map(|path| crate::text::shell::quote_path(path));
            quoted.map(|quoted| format!(" {option} {quoted}")).unwrap_or_default()
        };
        let word = |option: &str, word: &Option<String>| {
            let quoted = word.as_ref().map(|word| crate::text::shell::quote(word.as_bytes()));
            quoted.map(|quoted| format!(" {option} {quoted}")).unwrap_or_default()
        };
        [
            path("--root", &self.root),
            // Standard input is no file of that name.
            match self.image.as_deref() == Some(Path::new("-")) {
                true => " --image -".to_owned(),
                false => path("--image", &self.image),
            },
            word("--platform", &self.platform),
            word("--ref", &self.reference),
            path("--baseline", &self.baseline),
            if self.all_platforms { " --all-platforms".to_owned() } else { String::new() },
        ]
        .concat()
    }

    /// The policy for this kind of target, when none is named. A root filesystem is mostly that of
    /// a host, and has no configuration that an image's policy could ask about.
    pub fn built_in(&self) -> &'static BuiltIn {
        if self.image.is_some() { &IMAGE } else { &HOST }
    }

    /// What opening and asking the target takes, of all the rights that the run has.
    pub fn need(&self, plan: &Plan) -> Need {
        let baseline = self.baseline.clone().or_else(|| self.drift.baseline.clone());
        let is_here = self.is_this_host();
        let baseline = baseline.or_else(|| baselines::usual().ok().filter(|_| is_here));
        // A name alone lies in the folder that the run was started in.
        let above = |place: &Path| match place.parent()? {
            here if here.as_os_str().is_empty() => Some(PathBuf::from(".")),
            folder => Some(folder.to_owned()),
        };
        let folder = baseline.iter().filter_map(|place| above(place));
        // A turn at reading everything again is counted beside the baseline.
        let writes = if plan.asks_about("drift") { folder.clone().collect() } else { Vec::new() };
        let read = self.root.iter().chain(&self.recording).chain(&self.image).cloned();
        // Where it is a key itself, there is no file of that name.
        let read = read.chain(self.drift.public_key.iter().map(PathBuf::from));
        Need {
            reads: (!is_here).then(|| read.chain(folder).chain(baseline.clone()).collect()),
            writes,
            enters_namespaces: is_here && crate::targets::live::is_apart(),
            reads_guarded_settings: is_here && plan.asks_about("sysctl"),
        }
    }

    /// Opens the target or, with `--all-platforms`, targets.
    ///
    /// # Errors
    /// In words, when there is none to be opened, or it is not clear which is meant.
    pub fn open(&self, plan: &Plan) -> Result<Vec<Box<dyn Target>>, String> {
        self.open_for(&plan.wants())
    }

    /// The same without a plan: these contents will probably be asked for.
    ///
    /// # Errors
    /// Likewise.
    pub fn open_for(&self, wants: &Wants) -> Result<Vec<Box<dyn Target>>, String> {
        if let Some(directory) = &self.root {
            let rootfs = Rootfs::open(directory)?;
            let name = crate::text::path(directory);
            let target = Still::new(name, rootfs, None);
            if let Some(place) = &self.baseline {
                let comparison = comparison(place.clone(), &self.drift, Some(directory.clone()));
                target.memo().set(comparison);
                target.memo().set(former(place.clone(), &self.drift));
            }
            return Ok(vec![Box::new(target)]);
        }
        if let Some(path) = &self.recording {
            let recording = store::read(path)
                .map_err(|why| format!("recording {}: {why}", crate::text::path(path)))?;
            return Ok(vec![Box::new(Playback::new(recording))]);
        }
        let Some(path) = &self.image else {
            let target = Live::new();
            let place = self.baseline.clone().or_else(|| self.drift.baseline.clone());
            if let Some(place) = place.or_else(|| baselines::usual().ok()) {
                target.memo().set(former(place.clone(), &self.drift));
                target.memo().set(comparison(place, &self.drift, Some("/".into())));
            }
            return Ok(vec![Box::new(target)]);
        };
        let choice = Choice {
            platform: self.platform.clone(),
            reference: self.reference.clone(),
            all: self.all_platforms,
        };
        let mut wants = wants.clone();
        if self.baseline.is_some() {
            site::compared(&mut wants);
        }
        let images = image::open(path, &choice, &wants)?;
        if let Some(place) = &self.baseline {
            for image in &images {
                image.memo().set(comparison(place.clone(), &self.drift, None));
                image.memo().set(former(place.clone(), &self.drift));
            }
        }
        Ok(images.into_iter().map(|image| Box::new(image) as Box<dyn Target>).collect())
    }
}

/// How rules about drift compare a target with a baseline: like `spotcheck drift`, with its turns at
/// reading everything again, but without a report of which something could be accepted.
fn comparison(place: PathBuf, config: &config::Drift, root: Option<PathBuf>) -> Comparison {
    let key = config.public_key.clone();
    let every = config.every.unwrap_or(super::drift::EVERY);
    Comparison(Rc::new(move |target| {
        let loaded = load(&place, key.as_deref())?;
        let live = root.as_deref() == Some(Path::new("/"));
        let head = &loaded.baseline.head;
        let portable = head.live != live || !head.walked || root.is_none();
        let site = Site { target, root: root.clone(), deadline: None };
        let mut state = State::load(&place);
        let reading = Reading::Moved { slot: state.runs, of: every };
        state.runs += 1;
        // Where that cannot be written, the same part is read again.
        state.save(&place);
        since(&loaded.baseline, loaded.against, &site, reading, portable)
            .map(|outcome| outcome.drift)
    }))
}

/// What rules about files that give rights ask of the baseline.
fn former(place: PathBuf, config: &config::Drift) -> Former {
    let key = config.public_key.clone();
    Former(Rc::new(move |paths| formerly(&load(&place, key.as_deref())?.baseline, paths)))
}

fn load(place: &Path, key: Option<&str>) -> Fact<baselines::Loaded> {
    let unknown = |why: String| Unknown::new("baseline", Cause::Unsupported(why));
    let key = key.map(Key::parse).transpose().map_err(unknown)?;
    baselines::load(place, key.as_ref()).map_err(|why| unknown(why.to_string()))
}
