//! `spotcheck baseline verify`: its bytes, history and signature.

use super::place;
use crate::cli::console::Console;
use crate::cli::drift::{PlaceArgs, load_or_say};
use crate::text;
use crate::verdict::Exit;

#[derive(clap::Args)]
pub(super) struct Verify {
    #[command(flatten)]
    place: PlaceArgs,
}

impl Verify {
    pub(super) fn run(&self, console: &Console) -> Result<Exit, Exit> {
        let (place, key) = place(&self.place, console)?;
        let loaded = load_or_say(&place, key.as_ref(), console)?;
        let history = match &loaded.history {
            Some(history) => format!("history of {} entries is whole", history.entries.len()),
            None => "there is no history of it".to_owned(),
        };
        let text = format!(
            "{}: {}\n{}\n{history}\n",
            text::path(&place),
            loaded.against.digest.as_deref().unwrap_or_default(),
            loaded.against.signature.as_deref().unwrap_or("not signed, and no key is configured"),
        );
        Ok(console.print(&text, Exit::Holds))
    }
}
