//! The bytes of fanotify events with names (fanotify(7)). Pure. Layout: a header of 24 bytes (length u32, version u8, reserved u8, header
//! length u16, mask u64, file i32, pid i32), then records (type u8, pad u8, length u16): a filesystem id of 8 bytes, a file handle (length
//! u32, type i32, bytes), and a name that ends in NUL.

/// One change.
#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    pub pid: i32,
    pub name: String,
}

const HEADER: usize = 24;
/// FAN_EVENT_INFO_TYPE_DFID_NAME.
const DFID_NAME: u8 = 2;

/// Events that have a name, in order. Records that can't be parsed are left out.
pub fn parse(mut bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    while bytes.len() >= HEADER {
        let len = number::<4>(bytes, 0).map_or(0, u32::from_ne_bytes) as usize;
        let Some(one) = bytes.get(..len).filter(|one| one.len() >= HEADER) else { break };
        events.extend(event(one));
        bytes = &bytes[len..];
    }
    events
}

fn event(bytes: &[u8]) -> Option<Event> {
    let header = usize::from(u16::from_ne_bytes(number(bytes, 6)?));
    let pid = i32::from_ne_bytes(number(bytes, 20)?);
    let mut records = bytes.get(header..)?;
    while let Some(len) = number(records, 2).map(u16::from_ne_bytes).map(usize::from) {
        let record = records.get(..len).filter(|r| r.len() >= 4)?;
        if record[0] == DFID_NAME {
            return Some(Event { pid, name: name(record)? });
        }
        records = &records[len..];
    }
    None
}

fn name(record: &[u8]) -> Option<String> {
    let handle = u32::from_ne_bytes(number(record, 12)?) as usize;
    let name = record.get(20 + handle..)?;
    let end = name.iter().position(|b| *b == 0)?;
    Some(String::from_utf8_lossy(&name[..end]).into_owned())
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(pid: i32, name: &str) -> Vec<u8> {
        let mut record = vec![DFID_NAME, 0, 0, 0];
        record.extend([7; 8]);
        record.extend(4_u32.to_ne_bytes());
        record.extend(1_i32.to_ne_bytes());
        record.extend([9; 4]);
        record.extend(name.as_bytes());
        record.push(0);
        let len = u16::try_from(record.len()).unwrap();
        record[2..4].copy_from_slice(&len.to_ne_bytes());
        let mut all = (24 + u32::from(len)).to_ne_bytes().to_vec();
        all.extend([3, 0]);
        all.extend(24_u16.to_ne_bytes());
        all.extend([0; 8]);
        all.extend((-1_i32).to_ne_bytes());
        all.extend(pid.to_ne_bytes());
        all.extend(record);
        all
    }

    #[test]
    fn names_and_processes_and_nothing_from_damage() {
        let two = [bytes(7, "a.yaml"), bytes(8, "b")].concat();
        let want = |pid, name: &str| Event { pid, name: name.into() };
        assert_eq!(parse(&two), [want(7, "a.yaml"), want(8, "b")]);
        for cut in 0..two.len() {
            assert!(parse(&two[..cut]).len() <= 1, "cut at {cut}");
        }
        assert_eq!(parse(&[0; 64]), []);
    }
}
