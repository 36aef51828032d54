/// A place in one of a guest's memories, as clients name it: `0x10` in the first one, `1:0x10` in
/// the second. Those of instructions look as if of the first memory (`CodePlace`).
struct MemoryReference {
    var memory = 0
    var address: Int

    init(_ address: Int, in memory: Int = 0) {
        self.memory = memory
        self.address = address
    }

    /// The place that a reference and an offset stand for; nil if they stand for none.
    init?(_ reference: JSON?, _ offset: JSON? = nil) {
        guard var text = reference?.string.map({ $0[...] }) else { return nil }
        if let colon = text.firstIndex(of: ":") {
            guard let number = Int(text[..<colon]), number >= 0 else { return nil }
            memory = number
            text = text[text.index(after: colon)...]
        }
        let isHex = text.hasPrefix("0x")
        guard let number = isHex ? Int(text.dropFirst(2), radix: 16) : Int(text) else {
            return nil
        }
        let (sum, overflow) = number.addingReportingOverflow(offset?.integer ?? 0)
        if overflow || sum < 0 { return nil }
        address = sum
    }

    var text: String {
        let place = "0x" + String(address, radix: 16)
        return memory == 0 ? place : "\(memory):\(place)"
    }
}
