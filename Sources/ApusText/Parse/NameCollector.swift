internal import ApusCollections
internal import ApusFormat

/// Names for the name section that belong to a function or a type.
struct NameCollector {
    struct Inner {
        /// Index of the function or type.
        var owner: UInt32
        var index: UInt32
        var symbol: UInt32
    }

    /// The symbol that names the module.
    var module: UInt32?
    // All in ascending order.
    var locals: [Inner] = []
    var labels: [Inner] = []
    var fields: [Inner] = []
}

/// The name section (7.4.1) and the branch hints.
extension ModuleParser {
    mutating func writeNames() {
        var section = ByteWriter()
        if let symbol = names.module {
            var contents = ByteWriter()
            text.symbols.write(symbol, to: &contents)
            section.write(subsection: 0, contents)
        }
        text.write(1, functions, to: &section)
        text.write(2, names.locals, to: &section)
        text.write(3, names.labels, to: &section)
        text.write(4, types, to: &section)
        text.write(5, tables, to: &section)
        text.write(6, memories, to: &section)
        text.write(7, globals, to: &section)
        text.write(8, elements, to: &section)
        text.write(9, data, to: &section)
        text.write(10, names.fields, to: &section)
        text.write(11, tags, to: &section)
        if section.count > 0 { sections.names = section }
    }

    /// The section with the branch hints, which comes before the code.
    mutating func writeHints() {
        guard !hints.isEmpty else { return }
        var contents = ByteWriter()
        var functions = 0
        var start = 0
        while start < hints.count {
            var end = start
            while end < hints.count, hints[end].function == hints[start].function { end += 1 }
            contents.write(unsigned: hints[start].function)
            contents.write(count: end - start)
            for index in start..<end {
                contents.write(count: hints[index].offset)
                contents.write([1, hints[index].value])
            }
            functions += 1
            start = end
        }
        var section = ByteWriter()
        section.write(name: Annotation.Kind.branchHint.name)
        section.write(count: functions)
        section.write(contents)
        sections.customs.append(.init(place: 2 * Section.code.rank, contents: section))
    }
}

extension ByteWriter {
    fileprivate mutating func write(subsection kind: UInt8, _ contents: ByteWriter) {
        write(kind)
        write(count: contents.count)
        write(contents)
    }
}

extension TokenizedText {
    fileprivate func write(
        _ kind: UInt8, _ space: borrowing IndexSpace, to section: inout ByteWriter
    ) {
        guard !space.names.isEmpty else { return }
        var contents = ByteWriter()
        contents.write(count: space.names.count)
        for index in 0..<space.names.count {
            let name = space.names[index]
            contents.write(unsigned: name.index)
            symbols.write(name.symbol, to: &contents)
        }
        section.write(subsection: kind, contents)
    }

    fileprivate func write(
        _ kind: UInt8, _ names: [NameCollector.Inner], to section: inout ByteWriter
    ) {
        guard !names.isEmpty else { return }
        var contents = ByteWriter()
        var owners = 0
        var start = 0
        while start < names.count {
            var end = start
            while end < names.count, names[end].owner == names[start].owner { end += 1 }
            contents.write(unsigned: names[start].owner)
            contents.write(count: end - start)
            for name in names[start..<end] {
                contents.write(unsigned: name.index)
                symbols.write(name.symbol, to: &contents)
            }
            owners += 1
            start = end
        }
        var counted = ByteWriter()
        counted.write(count: owners)
        counted.write(contents)
        section.write(subsection: kind, counted)
    }
}
