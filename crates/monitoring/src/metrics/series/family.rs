//! A family's series by the values of their labels.

use std::{
    collections::HashMap,
    fmt,
    sync::{PoisonError, RwLock},
};

use super::cell::Counter;
use crate::metrics::catalogue::{Label, Spec};

/// The value that stands for all that a label has no room for.
pub const OTHER: &str = "other";

/// Longer values count as [`OTHER`].
const MAX_VALUE_BYTES: usize = 128;

/// A family with its series. A series is made when it is first asked for; those of known values are
/// there from the start.
pub(crate) struct Family<C> {
    spec: &'static Spec,
    max_series: usize,
    overflow: Counter,
    new_cell: Box<dyn Fn() -> C + Send + Sync>,
    table: RwLock<Table<C>>,
}

impl<C> fmt::Debug for Family<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Family").field(&self.spec.name).finish()
    }
}

/// A series.
#[derive(Debug)]
pub(crate) struct Row<C> {
    /// Names and values of the labels, in the order of the family.
    pub(crate) labels: Box<[(&'static str, Box<str>)]>,
    pub(crate) cell: C,
}

#[derive(Debug)]
struct Table<C> {
    /// For each label the numbers of its values; that of `OTHER` is 0.
    values: Box<[HashMap<Box<str>, u16>]>,
    /// Rows by the numbers of their values.
    by_key: HashMap<Key, usize>,
    rows: Vec<Row<C>>,
}

/// The numbers of a series' values; no family has more than four labels.
type Key = [u16; 4];
const OTHER_NUMBER: u16 = 0;

/// What looking for a series came to.
enum Found {
    /// This row, and whether a value had to give way to `OTHER`.
    Row(usize, bool),
    /// It has to be made.
    Missing,
}

impl<C: Clone> Family<C> {
    pub(crate) fn new(
        spec: &'static Spec,
        max_series: usize,
        overflow: Counter,
        new_cell: impl Fn() -> C + Send + Sync + 'static,
    ) -> Self {
        debug_assert!(spec.labels.len() <= 4, "a key has four places");
        let numbered = |label: &Label| {
            let others = label.known.iter().filter(|value| **value != OTHER);
            let values = [OTHER].iter().chain(others);
            (0..)
                .zip(values)
                .map(|(number, value)| ((*value).into(), number))
                .collect()
        };
        let mut table = Table {
            values: spec.labels.iter().map(numbered).collect(),
            by_key: HashMap::new(),
            rows: Vec::new(),
        };
        if spec.labels.iter().all(|label| !label.known.is_empty()) {
            for names in combinations(spec.labels.iter().map(|label| label.known)) {
                table.row(spec, &names, &new_cell);
            }
        }
        Self {
            spec,
            max_series,
            overflow,
            new_cell: Box::new(new_cell),
            table: RwLock::new(table),
        }
    }

    pub(crate) fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// The series of these values; where there is no room for one of them, `OTHER` takes its place.
    pub(crate) fn with<R>(&self, values: &[&str], use_it: impl FnOnce(&C) -> R) -> R {
        debug_assert_eq!(values.len(), self.spec.labels.len(), "{}", self.spec.name);
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        if let Found::Row(row, overflows) = self.find(&table, values) {
            if overflows {
                self.overflow.inc();
            }
            return use_it(&table.rows[row].cell);
        }
        drop(table);
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let row = self.make(&mut table, values);
        use_it(&table.rows[row].cell)
    }

    pub(crate) fn cell(&self, values: &[&str]) -> C {
        self.with(values, C::clone)
    }

    /// Calls with each series, in the order in which they were made.
    pub(crate) fn each<E>(&self, call: impl FnMut(&Row<C>) -> Result<(), E>) -> Result<(), E> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.rows.iter().try_for_each(call)
    }

    fn find(&self, table: &Table<C>, values: &[&str]) -> Found {
        let mut key = Key::default();
        let (mut is_new, mut overflows) = (false, false);
        for (i, (label, value)) in self.spec.labels.iter().zip(values).enumerate() {
            match table.values[i].get(*value) {
                Some(number) => key[i] = *number,
                None if has_room(label, &table.values[i]) && is_allowed(value) => is_new = true,
                None => overflows = true,
            }
        }
        if !is_new && let Some(row) = table.by_key.get(&key) {
            return Found::Row(*row, overflows);
        }
        if table.rows.len() < self.max_series {
            return Found::Missing;
        }
        // Full: what is not fixed by a closed label is `OTHER`.
        for (i, label) in self.spec.labels.iter().enumerate() {
            if !label.is_closed() {
                key[i] = OTHER_NUMBER;
            }
        }
        match table.by_key.get(&key) {
            Some(row) => Found::Row(*row, true),
            None => Found::Missing,
        }
    }

    fn make(&self, table: &mut Table<C>, values: &[&str]) -> usize {
        // Another thread may have made it since.
        if let Found::Row(row, overflows) = self.find(table, values) {
            if overflows {
                self.overflow.inc();
            }
            return row;
        }
        let is_full = table.rows.len() >= self.max_series;
        let mut overflows = false;
        let mut names: Vec<&str> = Vec::with_capacity(values.len());
        for (i, (label, value)) in self.spec.labels.iter().zip(values).enumerate() {
            let known = &table.values[i];
            let fits = if known.contains_key(*value) {
                label.is_closed() || !is_full
            } else {
                !is_full && has_room(label, known) && is_allowed(value)
            };
            overflows |= !fits;
            names.push(if fits { value } else { OTHER });
        }
        if overflows {
            self.overflow.inc();
        }
        let made = table.row(self.spec, &names, &self.new_cell);
        // Beside a success there is a failure that has not happened yet: 0, and not absent.
        let known = self.spec.labels.iter().zip(&names);
        let siblings = known.map(|(label, name)| match label.is_closed() && *name != OTHER {
            true => label.known,
            false => std::slice::from_ref(name),
        });
        for names in combinations(siblings) {
            table.row(self.spec, &names, &self.new_cell);
        }
        made
    }
}

impl<C> Table<C> {
    /// The row of values that are all known, made if need be.
    fn row(&mut self, spec: &Spec, names: &[&str], new_cell: &dyn Fn() -> C) -> usize {
        let mut key = Key::default();
        for (i, name) in names.iter().enumerate() {
            let next = u16::try_from(self.values[i].len()).expect("labels have few values");
            key[i] = *self.values[i].entry((*name).into()).or_insert(next);
        }
        let next = self.rows.len();
        let row = *self.by_key.entry(key).or_insert(next);
        if row == next {
            let labels = spec.labels.iter().zip(names);
            self.rows.push(Row {
                labels: labels
                    .map(|(label, name)| (label.name, (*name).into()))
                    .collect(),
                cell: new_cell(),
            });
        }
        row
    }
}

fn has_room(label: &Label, values: &HashMap<Box<str>, u16>) -> bool {
    // `OTHER` does not count.
    values.len() <= label.at_most
}

/// Whether a value may stand in an exposition, a page and a terminal: neither empty nor long, without
/// characters that control or turn text.
fn is_allowed(value: &str) -> bool {
    let controls = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    !value.is_empty() && value.len() <= MAX_VALUE_BYTES && !value.contains(controls)
}

/// All combinations of one value of each set, the last set changing fastest.
fn combinations<'a>(sets: impl Iterator<Item = &'a [&'a str]>) -> Vec<Vec<&'a str>> {
    sets.fold(vec![Vec::new()], |combinations, set| {
        let longer = |start: &Vec<&'a str>| {
            let start = start.clone();
            set.iter()
                .map(move |value| [&start[..], &[*value]].concat())
        };
        combinations.iter().flat_map(longer).collect()
    })
}
