/// Whether whoever wants a text read has given up: it is asked now and then, since to read a word
/// takes less time than to ask. Each loop over words of a text looks, or what it reads them with.
struct TextWatch {
    private static var wordsPerLook: Int { 16_384 }

    private let isStopped: (() -> Bool)?
    private var left = Self.wordsPerLook

    /// A watch on what `isStopped` says; nil: the text is read to its end.
    init(_ isStopped: (() -> Bool)? = nil) { self.isStopped = isStopped }

    /// Another word is read. Throws `TextFault.stop` if nobody wants the text any more.
    @inline(__always)
    mutating func look() throws(TextFault) {
        left &-= 1
        if left <= 0 { try ask() }
    }

    @inline(never)
    private mutating func ask() throws(TextFault) {
        left = Self.wordsPerLook
        if let isStopped, isStopped() { throw .stop }
    }
}
