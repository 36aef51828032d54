import ApusFormat
import Testing

@Suite struct ExactNameTests {
    @Test func spellingsAreDifferentNames() {
        let composed = ExactName("\u{E9}")
        let decomposed = ExactName("e\u{301}")
        #expect(composed.text == decomposed.text)
        #expect(composed != decomposed)
        #expect(composed == ExactName("\u{E9}"))
    }

    /// Names that are equal as strings must not all have one hash: a set of a million of them
    /// would take hours.
    @Test func spellingsHaveDifferentHashes() {
        var hashes: Set<Int> = []
        for pattern in 0..<64 {
            var text = ""
            for bit in 0..<6 { text += pattern >> bit & 1 == 0 ? "\u{E9}" : "e\u{301}" }
            hashes.insert(ExactName(text).hashValue)
        }
        #expect(hashes.count > 32)
    }
}
