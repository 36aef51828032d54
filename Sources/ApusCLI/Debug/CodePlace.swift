/// An instruction of one of a program's modules.
struct CodePlace: Hashable, Sendable {
    /// The program itself is 0; those follow that it imports from.
    var module: Int
    /// In the module's bytes.
    var offset: Int

    /// Clients count instructions' places as if all modules lay in one memory, each so far from the
    /// one before: none has more bytes than that.
    private static var distanceBits: Int { 32 }

    init(_ offset: Int, in module: Int) {
        self.module = module
        self.offset = offset
    }

    /// The place that a reference and an offset of a client stand for; nil if they stand for none.
    init?(_ reference: JSON?, _ offset: JSON? = nil) {
        guard let place = MemoryReference(reference, offset) else { return nil }
        module = place.address >> Self.distanceBits
        self.offset = place.address & (1 << Self.distanceBits - 1)
    }

    /// How clients name it.
    var text: String { MemoryReference(module << Self.distanceBits | offset).text }
}
