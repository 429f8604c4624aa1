//! Named sets of characters.

use super::class::Set;
use super::parser::Fault;

/// A set and the length of the text that names it.
type Found = (Set, usize);

/// `\d`, `\s`, `\w` and their opposites, which know ASCII only.
pub fn perl(text: &str) -> Option<Found> {
    let letter = *text.as_bytes().get(1).filter(|_| text.starts_with('\\'))?;
    let set = match letter.to_ascii_lowercase() {
        b'd' => Set::ascii(|c| c.is_ascii_digit()),
        b's' => Set::ascii(|c| matches!(c, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')),
        b'w' => Set::ascii(is_word),
        _ => return None,
    };
    Some((if letter.is_ascii_uppercase() { set.negated() } else { set }, 2))
}

fn is_word(c: u8) -> bool {
    c == b'_' || c.is_ascii_alphanumeric()
}

/// `[:name:]` and `[:^name:]`, inside of brackets.
///
/// # Errors
/// RE2's message for a name that is none.
pub fn posix(text: &str) -> Result<Option<Found>, Fault> {
    let Some(inner) = text.strip_prefix("[:") else { return Ok(None) };
    let Some(end) = inner.find(":]") else { return Ok(None) };
    let (name, len) = (&inner[..end], end + 4);
    let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    let set = match name {
        "alnum" => Set::ascii(|c| c.is_ascii_alphanumeric()),
        "alpha" => Set::ascii(|c| c.is_ascii_alphabetic()),
        "ascii" => Set::ascii(|_| true),
        "blank" => Set::ascii(|c| matches!(c, b'\t' | b' ')),
        "cntrl" => Set::ascii(|c| c.is_ascii_control()),
        "digit" => Set::ascii(|c| c.is_ascii_digit()),
        "graph" => Set::ascii(|c| c.is_ascii_graphic()),
        "lower" => Set::ascii(|c| c.is_ascii_lowercase()),
        "print" => Set::ascii(|c| c == b' ' || c.is_ascii_graphic()),
        "punct" => Set::ascii(|c| c.is_ascii_punctuation()),
        "space" => Set::ascii(|c| matches!(c, b'\t'..=b'\r' | b' ')),
        "upper" => Set::ascii(|c| c.is_ascii_uppercase()),
        "word" => Set::ascii(is_word),
        "xdigit" => Set::ascii(|c| c.is_ascii_hexdigit()),
        _ => return Err(format!("invalid character class range: {}", &text[..len])),
    };
    Ok(Some((if negated { set.negated() } else { set }, len)))
}

/// `\pN`, `\p{Name}` and their opposites: general categories and scripts.
///
/// # Errors
/// RE2's message for a name that it does not know.
pub fn unicode(text: &str) -> Result<Option<Found>, Fault> {
    if !text.starts_with("\\p") && !text.starts_with("\\P") {
        return Ok(None);
    }
    let unknown = |len: usize| Err(format!("invalid character class range: {}", &text[..len]));
    let (name, len) = match text[2..].chars().next() {
        None => return unknown(2),
        Some('{') => match text[3..].find('}') {
            Some(end) => (&text[3..3 + end], end + 4),
            None => return unknown(text.len()),
        },
        Some(c) => (&text[2..2 + c.len_utf8()], 2 + c.len_utf8()),
    };
    let (plain, opposite) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    let set = match plain {
        "Any" => Set::ascii(|_| false).negated(),
        // The `regex` crate counts unassigned characters among `C`, and has no surrogates.
        "C" => Set::item("\\p{Cc}\\p{Cf}\\p{Co}".to_owned()),
        "Cs" => Set::ascii(|_| false),
        _ if CATEGORIES.contains(&plain) => Set::item(format!("\\p{{gc={plain}}}")),
        _ if SCRIPTS.contains(&plain) => Set::item(format!("\\p{{sc={plain}}}")),
        _ => return unknown(len),
    };
    let negated = opposite != text.starts_with("\\P");
    Ok(Some((if negated { set.negated() } else { set }, len)))
}

#[rustfmt::skip]
const CATEGORIES: &[&str] = &[
    "Cc", "Cf", "Co", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No", "P", "Pc", "Pd",
    "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

#[rustfmt::skip]
const SCRIPTS: &[&str] = &[
    "Adlam", "Ahom", "Anatolian_Hieroglyphs", "Arabic", "Armenian", "Avestan", "Balinese", "Bamum", "Bassa_Vah",
    "Batak", "Bengali", "Bhaiksuki", "Bopomofo", "Brahmi", "Braille", "Buginese", "Buhid", "Canadian_Aboriginal",
    "Carian", "Caucasian_Albanian", "Chakma", "Cham", "Cherokee", "Chorasmian", "Common", "Coptic", "Cuneiform",
    "Cypriot", "Cypro_Minoan", "Cyrillic", "Deseret", "Devanagari", "Dives_Akuru", "Dogra", "Duployan",
    "Egyptian_Hieroglyphs", "Elbasan", "Elymaic", "Ethiopic", "Georgian", "Glagolitic", "Gothic", "Grantha",
    "Greek", "Gujarati", "Gunjala_Gondi", "Gurmukhi", "Han", "Hangul", "Hanifi_Rohingya", "Hanunoo", "Hatran",
    "Hebrew", "Hiragana", "Imperial_Aramaic", "Inherited", "Inscriptional_Pahlavi", "Inscriptional_Parthian",
    "Javanese", "Kaithi", "Kannada", "Katakana", "Kawi", "Kayah_Li", "Kharoshthi", "Khitan_Small_Script", "Khmer",
    "Khojki", "Khudawadi", "Lao", "Latin", "Lepcha", "Limbu", "Linear_A", "Linear_B", "Lisu", "Lycian", "Lydian",
    "Mahajani", "Makasar", "Malayalam", "Mandaic", "Manichaean", "Marchen", "Masaram_Gondi", "Medefaidrin",
    "Meetei_Mayek", "Mende_Kikakui", "Meroitic_Cursive", "Meroitic_Hieroglyphs", "Miao", "Modi", "Mongolian",
    "Mro", "Multani", "Myanmar", "Nabataean", "Nag_Mundari", "Nandinagari", "New_Tai_Lue", "Newa", "Nko", "Nushu",
    "Nyiakeng_Puachue_Hmong", "Ogham", "Ol_Chiki", "Old_Hungarian", "Old_Italic", "Old_North_Arabian",
    "Old_Permic", "Old_Persian", "Old_Sogdian", "Old_South_Arabian", "Old_Turkic", "Old_Uyghur", "Oriya", "Osage",
    "Osmanya", "Pahawh_Hmong", "Palmyrene", "Pau_Cin_Hau", "Phags_Pa", "Phoenician", "Psalter_Pahlavi", "Rejang",
    "Runic", "Samaritan", "Saurashtra", "Sharada", "Shavian", "Siddham", "SignWriting", "Sinhala", "Sogdian",
    "Sora_Sompeng", "Soyombo", "Sundanese", "Syloti_Nagri", "Syriac", "Tagalog", "Tagbanwa", "Tai_Le", "Tai_Tham",
    "Tai_Viet", "Takri", "Tamil", "Tangsa", "Tangut", "Telugu", "Thaana", "Thai", "Tibetan", "Tifinagh",
    "Tirhuta", "Toto", "Ugaritic", "Vai", "Vithkuqi", "Wancho", "Warang_Citi", "Yezidi", "Yi", "Zanabazar_Square",
];
