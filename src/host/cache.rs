//! Answers that are kept for the run, so that asking twice costs once.

use crate::facts::Fact;
use crate::facts::file::FileFact;
use std::borrow::Borrow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::OsString;
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most answers of one kind that are kept; beyond that, asking again reads again.
const KEPT: usize = 200_000;
/// The most bytes of file content that are kept.
const KEPT_BYTES: usize = 64 << 20;

/// Answers by question.
#[derive(Debug)]
pub(crate) struct Answers<K, V>(RefCell<HashMap<K, Fact<Option<V>>>>);

impl<K, V> Default for Answers<K, V> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<K: Eq + Hash, V: Clone> Answers<K, V> {
    /// The answer to a question that may have been asked before.
    pub(crate) fn get<Q>(
        &self,
        question: &Q,
        ask: impl FnOnce() -> Fact<Option<V>>,
    ) -> Fact<Option<V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(answer) = self.known(question) {
            return answer;
        }
        let answer = ask();
        self.keep(question, &answer);
        answer
    }

    fn known<Q>(&self, question: &Q) -> Option<Fact<Option<V>>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.0.borrow().get(question).cloned()
    }

    fn keep<Q>(&self, question: &Q, answer: &Fact<Option<V>>)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let mut answers = self.0.borrow_mut();
        if answers.len() < KEPT {
            answers.insert(question.to_owned(), answer.clone());
        }
    }
}

/// What has been asked about files.
#[derive(Debug, Default)]
pub(crate) struct KeptFiles {
    /// By `lstat(2)`.
    pub files: Answers<PathBuf, Arc<FileFact>>,
    /// Names in directories.
    pub lists: Answers<PathBuf, Arc<Vec<OsString>>>,
    /// Digests.
    pub hashes: Answers<PathBuf, String>,
    contents: Answers<PathBuf, Arc<Vec<u8>>>,
    content_bytes: Cell<usize>,
}

impl KeptFiles {
    /// The content of a file, kept as long as all that is kept is no more than [`KEPT_BYTES`].
    pub(crate) fn content(
        &self,
        path: &Path,
        ask: impl FnOnce() -> Fact<Option<Arc<Vec<u8>>>>,
    ) -> Fact<Option<Arc<Vec<u8>>>> {
        if let Some(answer) = self.contents.known(path) {
            return answer;
        }
        let answer = ask();
        let size = answer.as_ref().ok().and_then(Option::as_ref).map_or(0, |bytes| bytes.len());
        let total = self.content_bytes.get().saturating_add(size);
        if total <= KEPT_BYTES {
            self.content_bytes.set(total);
            self.contents.keep(path, &answer);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_asked_once_whatever_the_answer_was() {
        let memo: Answers<String, u32> = Answers::default();
        let asked = Cell::new(0);
        let ask = |answer: Fact<Option<u32>>| {
            memo.get("port", || {
                asked.set(asked.get() + 1);
                answer
            })
        };
        assert_eq!(ask(Ok(None)), Ok(None));
        assert_eq!(ask(Ok(Some(1))), Ok(None));
        assert_eq!(asked.get(), 1);
    }

    #[test]
    fn content_beyond_the_limit_is_read_again() {
        let kept = KeptFiles::default();
        let large = Arc::new(vec![0; KEPT_BYTES]);
        let asked = Cell::new(0);
        let ask = |name: &str, bytes: &Arc<Vec<u8>>| {
            kept.content(Path::new(name), || {
                asked.set(asked.get() + 1);
                Ok(Some(Arc::clone(bytes)))
            })
        };
        for _ in 0..2 {
            assert_eq!(ask("/large", &large).unwrap().unwrap().len(), KEPT_BYTES);
        }
        assert_eq!(asked.get(), 1);
        for _ in 0..2 {
            assert_eq!(ask("/small", &Arc::new(vec![1])).unwrap().unwrap().len(), 1);
        }
        assert_eq!(asked.get(), 3);
    }
}
