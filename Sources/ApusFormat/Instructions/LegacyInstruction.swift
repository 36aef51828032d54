/// Instructions of exception handling as it was before it was standardised, by their bytes. They
/// are in no row of the table, since the decoder rewrites them.
public enum LegacyInstruction: UInt8, CaseIterable, Sendable {
    case `try` = 0x06
    case `catch` = 0x07
    case rethrow = 0x09
    case delegate = 0x18
    case catchAll = 0x19

    /// How it is written.
    public var name: String { self == .catchAll ? "catch_all" : "\(self)" }
}
