internal import ApusCollections

/// A name as WebAssembly compares names: byte by byte. Specification: 2.2.4 “Names”.
///
/// Swift's strings are equal when they look the same, whichever Unicode scalars they are made of;
/// modules may export both spellings as different things.
public struct ExactName: Hashable, Sendable {
    public let text: String

    public init(_ text: String) { self.text = text }

    /// Equal bytes.
    public static func == (left: ExactName, right: ExactName) -> Bool {
        left.text == right.text && left.text.utf8.elementsEqual(right.text.utf8)
    }

    /// Of the bytes: the strings' own hash is the same for all spellings of a name, and a module
    /// may have a million of them.
    public func hash(into hasher: inout Hasher) {
        var word: UInt64 = 0
        var count = 0
        for byte in text.utf8 {
            word = word << 8 | UInt64(byte)
            count &+= 1
            if count & 7 == 0 { hasher.combine(word) }
        }
        // The last bytes, or the last whole word once more.
        hasher.combine(word)
        hasher.combine(count)
    }
}
