internal import ApusCollections

/// An object file for debuggers that stands for code in memory: an ELF image in which the code's
/// section has its address and no contents.
struct ObjectFile {
    private struct Section {
        var name: String
        var type: UInt32
        var flags: UInt64 = 0
        var address: UInt64 = 0
        var contents: [UInt8] = []
        var byteCount: UInt64
        var link: UInt32 = 0
        var information: UInt32 = 0
        var entryBytes: UInt64 = 0
    }

    private enum SectionType {
        static let none: UInt32 = 0
        static let contents: UInt32 = 1
        static let symbols: UInt32 = 2
        static let strings: UInt32 = 3
        static let noContents: UInt32 = 8
    }

    private static let headerBytes = 64
    private static let segmentBytes = 56
    private static let sectionBytes = 64
    private static let symbolBytes = 24
    private static let codeSection: UInt16 = 1

    private let code: NativeCode
    private var sections: [Section] = []

    init(_ code: NativeCode) {
        self.code = code
        sections.append(Section(name: "", type: SectionType.none, byteCount: 0))
        let allocatedAndExecuted: UInt64 = 6
        sections.append(
            Section(
                name: ".text", type: SectionType.noContents, flags: allocatedAndExecuted,
                address: code.base, byteCount: code.byteCount))
        addSymbols()
    }

    private mutating func addSymbols() {
        var symbols = DebugWriter()
        var names = DebugWriter()
        names.byte(0)
        symbols.append([UInt8](repeating: 0, count: Self.symbolBytes))
        let globalFunction: UInt8 = 0x12
        for function in code.functions {
            symbols.word(names.count)
            symbols.byte(globalFunction)
            symbols.byte(0)
            symbols.half(Self.codeSection)
            symbols.long(function.start)
            symbols.long(function.byteCount)
            names.text(function.name)
        }
        var section = Section(
            name: ".symtab", type: SectionType.symbols, contents: symbols.bytes,
            byteCount: UInt64(symbols.count))
        section.link = UInt32(sections.count + 1)
        section.information = 1
        section.entryBytes = UInt64(Self.symbolBytes)
        sections.append(section)
        sections.append(
            Section(
                name: ".strtab", type: SectionType.strings, contents: names.bytes,
                byteCount: UInt64(names.count)))
    }

    mutating func add(_ name: String, _ contents: [UInt8]) {
        if contents.isEmpty { return }
        sections.append(
            Section(
                name: name, type: SectionType.contents, contents: contents,
                byteCount: UInt64(contents.count)))
    }

    /// The file.
    consuming func finish() -> [UInt8] {
        var names = DebugWriter()
        var nameOffsets: [Int] = []
        sections.append(Section(name: ".shstrtab", type: SectionType.strings, byteCount: 0))
        for section in sections {
            nameOffsets.append(names.count)
            names.text(section.name)
        }
        sections[sections.count - 1].contents = names.bytes
        sections[sections.count - 1].byteCount = UInt64(names.count)

        var contents = DebugWriter()
        let start = Self.headerBytes + Self.segmentBytes
        var offsets: [Int] = []
        for section in sections {
            contents.pad(to: 8)
            offsets.append(start + contents.count)
            contents.append(section.contents)
        }
        contents.pad(to: 8)
        var file = DebugWriter()
        writeHeader(&file, sectionsAt: start + contents.count)
        writeSegment(&file)
        file.append(contents.bytes)
        for index in sections.indices {
            write(sections[index], name: nameOffsets[index], at: offsets[index], &file)
        }
        return file.bytes
    }

    private func writeHeader(_ file: inout DebugWriter, sectionsAt: Int) {
        let sharedObject: UInt16 = 3
        let machine: UInt16 = 62
        file.append([0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0])
        file.long(0)
        file.half(sharedObject)
        file.half(machine)
        file.word(1)
        file.long(0)
        file.long(UInt64(Self.headerBytes))
        file.long(UInt64(sectionsAt))
        file.word(0)
        file.half(UInt16(Self.headerBytes))
        file.half(UInt16(Self.segmentBytes))
        file.half(1)
        file.half(UInt16(Self.sectionBytes))
        file.half(UInt16(sections.count))
        file.half(UInt16(sections.count - 1))
    }

    /// The code, as something that has been loaded.
    private func writeSegment(_ file: inout DebugWriter) {
        let loaded: UInt32 = 1
        let readAndExecuted: UInt32 = 5
        file.word(loaded)
        file.word(readAndExecuted)
        file.long(0)
        file.long(code.base)
        file.long(code.base)
        file.long(0)
        file.long(code.byteCount)
        file.long(4096)
    }

    private func write(
        _ section: Section, name: Int, at offset: Int, _ file: inout DebugWriter
    ) {
        file.word(name)
        file.word(section.type)
        file.long(section.flags)
        file.long(section.address)
        file.long(section.type == SectionType.none ? 0 : UInt64(offset))
        file.long(section.byteCount)
        file.word(section.link)
        file.word(section.information)
        file.long(section.type == SectionType.none ? 0 : 1)
        file.long(section.entryBytes)
    }
}
