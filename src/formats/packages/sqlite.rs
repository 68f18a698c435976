//! Just enough of SQLite's file format to read the rows of one table from bytes.
//!
//! A database from an image is hostile input, and what is wanted of it is one column of one table:
//! a reader of that has no room for the defects of a whole database engine. From
//! <https://www.sqlite.org/fileformat2.html>, by section. Bounded by the number of pages: each is
//! visited once at most.

/// A value of a row; numbers other than whole ones are not needed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// NULL, or a kind of value that is not read.
    Other,
    /// A whole number.
    Number(i64),
    /// A text or blob.
    Bytes(Vec<u8>),
}

type Row<'a> = &'a mut dyn FnMut(&[Value]) -> bool;

const MAGIC: &[u8] = b"SQLite format 3\0";
/// Deepest b-tree: SQLite itself has no deeper one (`BTCURSOR_MAX_DEPTH`).
const DEPTH: usize = 20;
const CUT: &str = "the database is cut off";

/// Calls `row` with every row of a table until it says false.
pub(super) fn each_row(bytes: &[u8], table: &str, row: Row) -> Result<(), String> {
    let database = Database::open(bytes)?;
    let mut root = None;
    let mut visits = database.pages();
    // 2.6: sqlite_schema(type, name, tbl_name, rootpage, sql) begins at the first page.
    database.walk(1, &mut visits, 0, &mut |columns| {
        let is = |index: usize, text: &str| {
            matches!(columns.get(index), Some(Value::Bytes(bytes)) if bytes == text.as_bytes())
        };
        if is(0, "table")
            && is(1, table)
            && let Some(Value::Number(page)) = columns.get(3)
        {
            root = usize::try_from(*page).ok();
        }
        root.is_none()
    })?;
    let root = root.ok_or_else(|| format!("there is no table {table} in the database"))?;
    let mut visits = database.pages();
    database.walk(root, &mut visits, 0, row).map(|_| ())
}

struct Database<'a> {
    bytes: &'a [u8],
    page_size: usize,
    /// Bytes of a page without the reserved ones at its end.
    usable: usize,
}

impl<'a> Database<'a> {
    /// 1.3: the header.
    fn open(bytes: &'a [u8]) -> Result<Self, String> {
        if !bytes.starts_with(MAGIC) {
            return Err("not an SQLite database".into());
        }
        let page_size = match number(bytes, 16, 2).ok_or(CUT)? {
            1 => 65536,
            size => size,
        };
        let reserved = number(bytes, 20, 1).ok_or(CUT)?;
        let usable = page_size.checked_sub(reserved).filter(|usable| *usable >= 480);
        match usable {
            Some(usable) if page_size.is_power_of_two() && page_size <= 65536 => {
                Ok(Self { bytes, page_size, usable })
            }
            _ => Err(format!("a page size of {page_size} with {reserved} reserved")),
        }
    }

    fn pages(&self) -> usize {
        self.bytes.len() / self.page_size
    }

    fn page(&self, number: usize) -> Option<&'a [u8]> {
        let start = number.checked_sub(1)?.checked_mul(self.page_size)?;
        self.bytes.get(start..start.checked_add(self.page_size)?)
    }

    /// 1.6: the rows of a table's b-tree. `visits` counts down, so that a page that leads to itself
    /// ends the walk.
    fn walk(
        &self,
        page: usize,
        visits: &mut usize,
        depth: usize,
        row: Row,
    ) -> Result<bool, String> {
        *visits = visits.checked_sub(1).ok_or("pages that lead in a circle")?;
        if depth > DEPTH {
            return Err("a table nested too deeply".into());
        }
        let content = self.page(page).ok_or(CUT)?;
        // The first page begins with the header of the file.
        let header = if page == 1 { 100 } else { 0 };
        let cells = number(content, header + 3, 2).ok_or(CUT)?;
        let cell = |pointers: usize, index: usize| number(content, pointers + 2 * index, 2);
        match content.get(header) {
            Some(0x0d) => {
                for index in 0..cells {
                    let at = cell(header + 8, index).ok_or(CUT)?;
                    let payload = self.payload(content, at).ok_or(CUT)?;
                    if !row(&record(&payload).ok_or("a row that cannot be read")?) {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Some(0x05) => {
                for index in 0..cells {
                    let at = cell(header + 12, index).ok_or(CUT)?;
                    let child = number(content, at, 4).ok_or(CUT)?;
                    if !self.walk(child, visits, depth + 1, row)? {
                        return Ok(false);
                    }
                }
                let last = number(content, header + 8, 4).ok_or(CUT)?;
                self.walk(last, visits, depth + 1, row)
            }
            _ => Err(format!("page {page} is no page of a table")),
        }
    }

    /// The payload of a cell of a leaf, overflow pages appended.
    fn payload(&self, page: &[u8], at: usize) -> Option<Vec<u8>> {
        let (size, at) = varint(page, at)?;
        let (_row_id, at) = varint(page, at)?;
        let size = usize::try_from(size).ok().filter(|size| *size <= self.bytes.len())?;
        let most = self.usable.checked_sub(35)?;
        let local = if size <= most {
            size
        } else {
            let least = (self.usable.checked_sub(12)? * 32 / 255).checked_sub(23)?;
            let wanted = least + (size - least) % self.usable.checked_sub(4)?;
            if wanted <= most { wanted } else { least }
        };
        let mut payload = page.get(at..at.checked_add(local)?)?.to_vec();
        let mut next = if local < size { number(page, at + local, 4)? } else { 0 };
        while payload.len() < size {
            let overflow = self.page(next)?;
            let left = (size - payload.len()).min(self.usable.checked_sub(4)?);
            payload.extend_from_slice(overflow.get(4..4 + left)?);
            next = number(overflow, 0, 4)?;
        }
        Some(payload)
    }
}

/// 2.1: a row.
fn record(payload: &[u8]) -> Option<Vec<Value>> {
    let (header, mut at) = varint(payload, 0)?;
    let header = usize::try_from(header).ok()?;
    let mut body = header;
    let mut values = Vec::new();
    while at < header {
        let (kind, next) = varint(payload, at)?;
        at = next;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => usize::try_from((kind - 12) / 2).ok()?,
        };
        let bytes = payload.get(body..body.checked_add(size)?)?;
        body += size;
        values.push(match kind {
            1..=6 => Value::Number(signed(bytes)),
            8 => Value::Number(0),
            9 => Value::Number(1),
            12.. => Value::Bytes(bytes.to_vec()),
            _ => Value::Other,
        });
    }
    Some(values)
}

fn signed(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let start = if negative { -1 } else { 0 };
    bytes.iter().fold(start, |value, byte| (value << 8) | i64::from(*byte))
}

/// A big-endian number of up to four bytes.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().fold(0, |value, byte| value << 8 | usize::from(*byte)))
}

/// 1.6: a number of one to nine bytes, and where it ends.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (count, byte) in bytes.get(at..)?.iter().take(9).enumerate() {
        let end = at + count + 1;
        if count == 8 {
            return Some((value << 8 | u64::from(*byte), end));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, end));
        }
    }
    None
}
