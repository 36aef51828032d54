internal import ApusFormat

/// Where something of the text begins in the binary form.
struct PlaceMark: BitwiseCopyable {
    /// What begins there.
    enum Kind: UInt8 {
        /// A function's body.
        case body
        /// An instruction of a body.
        case instruction
        case other
    }

    /// Offset of its first byte.
    var offset: Int
    /// Index of its first token.
    var token: UInt32
    var kind: Kind

    init(_ offset: Int, _ token: UInt32, _ kind: Kind = .other) {
        self.offset = offset
        self.token = token
        self.kind = kind
    }
}

/// The sections of a module as they grow. Specification: 5.5.
struct ModuleSections {
    /// A section that is a vector.
    struct Vector {
        var count = 0
        var contents = ByteWriter()
        /// Where in the contents entries and instructions begin.
        var marks: [PlaceMark] = []

        /// Begins another entry, which comes from `token`, if that is to be kept.
        mutating func begin(_ token: UInt32?) {
            count &+= 1
            mark(token)
        }

        /// What is written next comes from `token`, if that is to be kept.
        mutating func mark(_ token: UInt32?, _ kind: PlaceMark.Kind = .other) {
            if let token { marks.append(PlaceMark(contents.count, token, kind)) }
        }
    }

    /// A custom section and where it goes.
    struct Custom {
        /// Twice the rank of the section it stands by, plus one if it comes after that.
        var place: Int
        var contents: ByteWriter
    }

    var types = Vector()
    var imports = Vector()
    var functions = Vector()
    var tables = Vector()
    var memories = Vector()
    var tags = Vector()
    var globals = Vector()
    var exports = Vector()
    var start: UInt32?
    var startToken: UInt32?
    var elements = Vector()
    var code = Vector()
    var data = Vector()
    /// Whether an instruction names a data segment, which takes a data count section.
    var needsDataCount = false
    var customs: [Custom] = []
    /// Contents of the name section, nil if nothing has a name.
    var names: ByteWriter?

    /// After all sections there are.
    static var last: Int { 2 * 14 + 1 }

    /// The bytes of the module. Adds the marks to `places`, in ascending order.
    func encode(_ places: inout [PlaceMark]) -> [UInt8] {
        var module = ByteWriter()
        module.write(word32: 0x6D73_6100)
        module.write(word32: 1)
        var placed = customs.indices.sorted {
            (customs[$0].place, $0) < (customs[$1].place, $1)
        }[...]
        func writeCustoms(upTo place: Int) {
            while let next = placed.first, customs[next].place <= place {
                Self.write(.custom, customs[next].contents, to: &module)
                placed.removeFirst()
            }
        }
        for (section, vector) in vectors {
            writeCustoms(upTo: 2 * section.rank)
            if section == .start {
                if let start {
                    var contents = ByteWriter()
                    contents.write(unsigned: start)
                    Self.write(.start, contents, to: &module)
                    if let startToken {
                        places.append(PlaceMark(module.count - contents.count, startToken))
                    }
                }
            } else if section == .dataCount {
                if needsDataCount {
                    var contents = ByteWriter()
                    contents.write(count: data.count)
                    Self.write(.dataCount, contents, to: &module)
                }
            } else if vector.count > 0 {
                var contents = ByteWriter()
                contents.write(count: vector.count)
                contents.write(vector.contents)
                Self.write(section, contents, to: &module)
                let first = module.count - vector.contents.count
                for mark in vector.marks {
                    places.append(PlaceMark(first + mark.offset, mark.token, mark.kind))
                }
            }
            writeCustoms(upTo: 2 * section.rank + 1)
        }
        if let names {
            var contents = ByteWriter()
            contents.write(name: "name")
            contents.write(names)
            Self.write(.custom, contents, to: &module)
        }
        writeCustoms(upTo: Self.last)
        return module.bytes
    }

    /// The sections in their order.
    private var vectors: [(Section, Vector)] {
        [
            (.type, types), (.import, imports), (.function, functions), (.table, tables),
            (.memory, memories), (.tag, tags), (.global, globals), (.export, exports),
            (.start, Vector()), (.element, elements), (.dataCount, Vector()), (.code, code),
            (.data, data),
        ]
    }

    private static func write(
        _ section: Section, _ contents: ByteWriter, to module: inout ByteWriter
    ) {
        module.write(section.rawValue)
        module.write(count: contents.count)
        module.write(contents)
    }
}
