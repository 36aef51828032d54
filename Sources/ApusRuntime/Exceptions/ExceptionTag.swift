public import ApusFormat

/// A tag: a kind of exceptions, and what they carry. Two are the same only if they are the same
/// object. Specification: 4.2.10 “Tag Instances”.
public final class ExceptionTag: Sendable {
    /// The parameters are what its exceptions carry.
    public let type: FunctionType
    /// Engine-wide id of the type, which whoever made this keeps.
    let signature: UInt32
    /// Bytes of what its exceptions carry.
    let valueBytes: Int

    init(_ type: FunctionType, signature: UInt32) {
        self.type = type
        self.signature = signature
        valueBytes = type.parameters.reduce(0) { $0 + ($1 == .v128 ? 16 : 8) }
    }

    // SAFETY: nobody reads through it but to get back this object, while it is kept.
    /// What compiled code and exceptions know it by.
    var address: UnsafeRawPointer {
        unsafe UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
    }
}
