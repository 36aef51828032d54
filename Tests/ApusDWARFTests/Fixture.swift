import ApusCollections
import ApusDWARF
import Foundation

/// A module that a compiler has made with debugging information: see `Fixtures/make-fixtures`.
struct Fixture {
    let bytes: [UInt8]
    private(set) var codeStart = 0
    /// Where the contents of each custom section are.
    private(set) var sections: [String: Range<Int>] = [:]

    /// The module compiled with this version of DWARF.
    init(version: Int) throws { try self.init(named: "inlined-\(version)") }

    /// The module of that name.
    init(named name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let file = folder.appending(path: "Fixtures/\(name).wasm")
        bytes = Array(try Data(contentsOf: file))
        var place = 8
        while place < bytes.count {
            let id = bytes[place]
            place += 1
            let length = number(&place)
            let end = place + length
            if id == 10 { codeStart = place }
            if id == 0 {
                let nameLength = number(&place)
                let name = String(decoding: bytes[place..<place + nameLength], as: UTF8.self)
                sections[name] = place + nameLength..<end
            }
            place = end
        }
    }

    private func number(_ place: inout Int) -> Int {
        var value = 0
        var shift = 0
        while true {
            let byte = bytes[place]
            place += 1
            value |= Int(byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 { return value }
        }
    }

    /// An index of the module, with other bytes in it or shorter sections if they are given.
    func index(_ changed: [UInt8]? = nil, _ changedSections: [String: Range<Int>]? = nil)
        -> SourceIndex?
    {
        var found = DebugSections(ByteStorage(changed ?? bytes))
        for kind in DebugSections.Kind.allCases {
            found[kind] = (changedSections ?? sections)[kind.name] ?? 0..<0
        }
        return SourceIndex(found, map: nil, codeStart: codeStart)
    }

    /// Places of instructions, as the code section counts them: all that may be one.
    var codeOffsets: Range<Int> { codeStart..<codeStart + 0xD0 }
}
