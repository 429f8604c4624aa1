//! Names against patterns.

/// Whether a name matches: `*` any run, `?` any byte, `[a-z]` and `[!a-z]` sets, `\` the byte behind it.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    // Where to go on if the text behind the last star turns out not to match here.
    let mut retry: Option<(&[u8], &[u8])> = None;
    let (mut pattern, mut name) = (pattern, name);
    loop {
        if let [b'*', rest @ ..] = pattern {
            retry = Some((rest, name));
            pattern = rest;
            continue;
        }
        match (step(pattern, name), name) {
            (Some((rest, after)), _) => (pattern, name) = (rest, after),
            (None, []) if pattern.is_empty() => return true,
            _ => match retry {
                Some((behind, [_, later @ ..])) => {
                    retry = Some((behind, later));
                    (pattern, name) = (behind, later);
                }
                _ => return false,
            },
        }
    }
}

/// Matches one byte; what is left of both.
fn step<'p, 'n>(pattern: &'p [u8], name: &'n [u8]) -> Option<(&'p [u8], &'n [u8])> {
    let (&byte, after) = name.split_first()?;
    let rest = match pattern {
        [b'?', rest @ ..] => rest,
        [b'\\', escaped, rest @ ..] if *escaped == byte => rest,
        [b'\\', _, ..] => return None,
        [b'[', inner @ ..] => set(inner, byte)?,
        [same, rest @ ..] if *same == byte => rest,
        _ => return None,
    };
    Some((rest, after))
}

/// What is behind a set that has the byte; a set without end has none.
fn set(inner: &[u8], byte: u8) -> Option<&[u8]> {
    let (negated, mut rest) = match inner {
        [b'!' | b'^', rest @ ..] => (true, rest),
        _ => (false, inner),
    };
    let (mut found, mut first) = (false, true);
    loop {
        match rest {
            [b']', behind @ ..] if !first => return (found != negated).then_some(behind),
            [low, b'-', high, more @ ..] if *high != b']' => {
                found |= (*low..=*high).contains(&byte);
                rest = more;
            }
            [one, more @ ..] => {
                found |= *one == byte;
                rest = more;
            }
            [] => return None,
        }
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let check = |pattern: &str, name: &str, want: bool| {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), want, "{pattern} {name}");
        };
        check("", "", true);
        check("*", "", true);
        check("a*b*c", "axbxbc", true);
        check("a*b*c", "axbxb", false);
        check("*.txt", "a.txt.txt", true);
        check("?", "", false);
        check("[a-c]x", "bx", true);
        check("[!a-c]x", "bx", false);
        check("[]a]", "]", true);
        check("[a-]", "-", true);
        check("[a", "[a", false);
        check("\\*", "*", true);
        check("\\*", "a", false);
        check("a", "ab", false);
        check(&"*a".repeat(30), &"a".repeat(29), false);
    }
}
