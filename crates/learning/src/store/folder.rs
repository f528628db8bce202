use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use journal::{Batch, SharedJournal};

use super::{cache, state::State};
use crate::Error;

/// How many records may be new to a cache before it is written again: while working, and by who opens, since
/// to read them again would take as long.
const CACHE_EVERY: u64 = 5_000;
const CACHE_AT_OPENING: u64 = 1_000;

/// The folder of feedback: journals `g1`, `g2` …, of which one is current. A clean-up writes what it keeps
/// to the next one, then says so in the last record of the old one, then removes that. So whoever holds the old one
/// finds the way, and nobody appends to it any more.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    options: journal::Options,
    current: Mutex<Current>,
}

#[derive(Debug, Clone)]
struct Current {
    number: u32,
    journal: Arc<SharedJournal<State>>,
    /// How far the cache on disk goes.
    cached: u64,
}

/// What keeps a batch from being done, apart from the caller's own reasons.
enum Stopped {
    Moved,
    Refused(Error),
    Journal(journal::Error),
}

impl From<journal::Error> for Stopped {
    fn from(error: journal::Error) -> Self {
        Self::Journal(error)
    }
}

impl Store {
    pub(crate) fn open(dir: &Path, options: journal::Options) -> Result<Self, Error> {
        let current = open_current(dir, &options)?;
        let store = Self {
            dir: dir.to_owned(),
            options,
            current: Mutex::new(current),
        };
        store.save_cache_after(CACHE_AT_OPENING);
        Ok(store)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn options(&self) -> &journal::Options {
        &self.options
    }

    /// Looks at the state, with what others have written.
    pub(crate) fn read<T>(&self, look: impl Fn(&State) -> T) -> Result<T, Error> {
        loop {
            let current = self.current();
            let look = |state: &State| state.moved_to.is_none().then(|| look(state));
            match current.journal.read(look) {
                Ok(Some(seen)) => return Ok(seen),
                Ok(None) => self.follow(current.number)?,
                Err(error) => self.recover(current.number, error)?,
            }
        }
    }

    /// One batch on the current journal.
    pub(crate) fn batch<T>(
        &self,
        act: impl Fn(&State, &mut Batch<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.batch_numbered(|_, state, batch| act(state, batch))
    }

    /// The same, with the number of the journal.
    pub(super) fn batch_numbered<T>(
        &self,
        act: impl Fn(u32, &State, &mut Batch<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            let current = self.current();
            let done = current.journal.batch(|state, batch| {
                if state.moved_to.is_some() {
                    return Err(Stopped::Moved);
                }
                act(current.number, state, batch).map_err(Stopped::Refused)
            });
            match done {
                Ok(done) => {
                    self.save_cache_after(CACHE_EVERY);
                    return Ok(done);
                }
                Err(Stopped::Moved) => self.follow(current.number)?,
                Err(Stopped::Refused(error)) => return Err(error),
                Err(Stopped::Journal(error)) => self.recover(current.number, error)?,
            }
        }
    }

    pub(super) fn numbers(&self) -> Vec<u32> {
        numbers(&self.dir, &self.options)
    }

    /// After an error: another process may have moved on and removed what we read.
    fn recover(&self, number: u32, error: journal::Error) -> Result<(), Error> {
        if has_segments(&self.options, &folder(&self.dir, number)) {
            return Err(error.into());
        }
        match first_number(&self.dir, &self.options) {
            Some(first) if first > number => self.follow(number),
            _ => Err(error.into()),
        }
    }

    pub(super) fn follow(&self, number: u32) -> Result<(), Error> {
        let mut current = self.lock();
        if current.number == number {
            *current = open_current(&self.dir, &self.options)?;
        }
        Ok(())
    }

    fn current(&self) -> Current {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the cache anew where much has been added. It only saves time, so that a failure is none.
    fn save_cache_after(&self, n_new: u64) {
        let current = self.current();
        let bytes = current.journal.read_at(|state, position| {
            let position = position.filter(|it| it.seq() >= current.cached + n_new)?;
            let is_current = state.moved_to.is_none();
            is_current.then(|| (position.seq(), cache::encode(state, &position)))
        });
        let Ok(Some((seq, Some(bytes)))) = bytes else {
            return;
        };
        // Tried once for these records, whatever comes of it.
        self.lock().cached = seq;
        let path = cache_path(&self.dir, current.number);
        journal::atomic_write_in(&*self.options.storage, &path, &bytes).ok();
    }
}

pub(super) fn folder(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("g{number}"))
}

pub(super) fn cache_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("g{number}.cache"))
}

fn open_current(dir: &Path, options: &journal::Options) -> Result<Current, Error> {
    let mut number = first_number(dir, options).unwrap_or(1);
    loop {
        let (journal, cached) = open_one(dir, number, options)?;
        let Some(next) = journal.read(|state| state.moved_to)? else {
            return Ok(Current {
                number,
                journal: Arc::new(journal),
                cached,
            });
        };
        number = match first_number(dir, options) {
            _ if next > number && has_segments(options, &folder(dir, next)) => next,
            // Another process has moved on twice meanwhile.
            Some(first) if first > number => first,
            _ => {
                return Err(Error::MissingSuccessor {
                    path: folder(dir, next),
                });
            }
        };
    }
}

fn open_one(
    dir: &Path,
    number: u32,
    options: &journal::Options,
) -> Result<(SharedJournal<State>, u64), Error> {
    let path = folder(dir, number);
    if let Some((state, position)) = cache::read(options, &cache_path(dir, number)) {
        // A cache of another journal, such as one from before a restored backup, is thrown away.
        let journal = SharedJournal::open_at(&path, options.clone(), state, &position)?;
        if let Some(journal) = journal {
            return Ok((journal, position.seq()));
        }
    }
    let journal = SharedJournal::open(&path, options.clone(), State::default())?;
    Ok((journal, 0))
}

/// The lowest number of a journal that has begun.
fn first_number(dir: &Path, options: &journal::Options) -> Option<u32> {
    let begun = |number: &u32| has_segments(options, &folder(dir, *number));
    numbers(dir, options).into_iter().find(begun)
}

/// The numbers of all journals, in order. Where the folder cannot be read, the journal in it will say why.
fn numbers(dir: &Path, options: &journal::Options) -> Vec<u32> {
    let names = options.storage.list(dir).unwrap_or_default();
    let number = |name: &String| name.strip_prefix('g')?.parse().ok();
    let mut numbers: Vec<u32> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

fn has_segments(options: &journal::Options, folder: &Path) -> bool {
    let names = options.storage.list(folder).unwrap_or_default();
    names.iter().any(|name| name.ends_with(".journal"))
}
