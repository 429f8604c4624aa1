//! The one error type: TensorFlow's status code, what is wrong, and the way to where it is.

use std::fmt;

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// TensorFlow's status codes (those of `absl::StatusCode`, without OK).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Code {
    /// The call was cancelled.
    Cancelled = 1,
    /// An error of unknown kind.
    Unknown = 2,
    /// An argument is wrong whatever the state of the system.
    InvalidArgument = 3,
    /// A time limit passed.
    DeadlineExceeded = 4,
    /// A file, tensor, function or key does not exist.
    NotFound = 5,
    /// What was to be made exists.
    AlreadyExists = 6,
    /// The caller may not do this.
    PermissionDenied = 7,
    /// A limit (memory, mostly) would be passed.
    ResourceExhausted = 8,
    /// The system is not in the state that the call needs.
    FailedPrecondition = 9,
    /// The operation was aborted.
    Aborted = 10,
    /// An index or position lies outside its range.
    OutOfRange = 11,
    /// An operator, attribute value or dtype is not supported.
    Unimplemented = 12,
    /// An invariant of this project is broken.
    Internal = 13,
    /// The service is not there now.
    Unavailable = 14,
    /// Data is damaged beyond use.
    DataLoss = 15,
}

impl Code {
    /// The name as TensorFlow prints it, such as `INVALID_ARGUMENT`.
    pub fn name(self) -> &'static str {
        match self {
            Code::Cancelled => "CANCELLED",
            Code::Unknown => "UNKNOWN",
            Code::InvalidArgument => "INVALID_ARGUMENT",
            Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Code::NotFound => "NOT_FOUND",
            Code::AlreadyExists => "ALREADY_EXISTS",
            Code::PermissionDenied => "PERMISSION_DENIED",
            Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Code::FailedPrecondition => "FAILED_PRECONDITION",
            Code::Aborted => "ABORTED",
            Code::OutOfRange => "OUT_OF_RANGE",
            Code::Unimplemented => "UNIMPLEMENTED",
            Code::Internal => "INTERNAL",
            Code::Unavailable => "UNAVAILABLE",
            Code::DataLoss => "DATA_LOSS",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error: a status code, a message that says what is wrong, and a trail that says where.
///
/// The place that finds the fault writes the message; each layer it passes on its way out adds a line
/// to the trail with [`Error::at`]: the node with its inputs, the function, the file.
///
/// ```
/// use savedmodel_tensor::{Code, Error};
/// let error = Error::invalid_argument("axis 3 for rank 2").at("node 'm' (Mean)");
/// assert_eq!(error.code(), Code::InvalidArgument);
/// assert_eq!(error.to_string(), "INVALID_ARGUMENT: axis 3 for rank 2\n  at node 'm' (Mean)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    code: Code,
    message: String,
    trail: Vec<String>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $code:ident;)*) => {
        $($(#[$doc])* #[cold] pub fn $name(message: impl Into<String>) -> Error {
            Error::new(Code::$code, message)
        })*
    };
}

impl Error {
    /// An error with this code and message and an empty trail.
    #[cold]
    pub fn new(code: Code, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { code, message: message.into(), trail: Vec::new() }))
    }

    constructors! {
        /// An [`Code::InvalidArgument`] error.
        invalid_argument => InvalidArgument;
        /// A [`Code::NotFound`] error.
        not_found => NotFound;
        /// An [`Code::AlreadyExists`] error.
        already_exists => AlreadyExists;
        /// A [`Code::ResourceExhausted`] error.
        resource_exhausted => ResourceExhausted;
        /// A [`Code::FailedPrecondition`] error.
        failed_precondition => FailedPrecondition;
        /// An [`Code::OutOfRange`] error.
        out_of_range => OutOfRange;
        /// An [`Code::Unimplemented`] error.
        unimplemented => Unimplemented;
        /// An [`Code::Internal`] error.
        internal => Internal;
        /// A [`Code::DataLoss`] error.
        data_loss => DataLoss;
        /// An [`Code::Unknown`] error.
        unknown => Unknown;
    }

    /// The status code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What is wrong, without code and place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where, from the innermost place outwards.
    pub fn trail(&self) -> &[String] {
        &self.0.trail
    }

    /// This error with one more, outer place in its trail.
    #[must_use]
    #[cold]
    pub fn at(mut self, place: impl Into<String>) -> Error {
        self.0.trail.push(place.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)?;
        self.0.trail.iter().try_for_each(|place| write!(f, "\n  at {place}"))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => Code::NotFound,
            std::io::ErrorKind::PermissionDenied => Code::PermissionDenied,
            std::io::ErrorKind::AlreadyExists => Code::AlreadyExists,
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData => Code::DataLoss,
            std::io::ErrorKind::OutOfMemory | std::io::ErrorKind::StorageFull => Code::ResourceExhausted,
            std::io::ErrorKind::IsADirectory | std::io::ErrorKind::NotADirectory => Code::FailedPrecondition,
            _ => Code::Unknown,
        };
        Error::new(code, error.to_string())
    }
}
