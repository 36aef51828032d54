internal import ApusCollections

// Types, constants and lifetimes in Rust's names.

extension RustName {
    private static let basicTypes: [UInt8: String] = [
        0x61: "i8", 0x62: "bool", 0x63: "char", 0x64: "f64", 0x65: "str", 0x66: "f32",
        0x68: "u8", 0x69: "isize", 0x6A: "usize", 0x6C: "i32", 0x6D: "u32", 0x6E: "i128",
        0x6F: "u128", 0x70: "_", 0x73: "i16", 0x74: "u16", 0x75: "()", 0x76: "...",
        0x78: "i64", 0x79: "u64", 0x7A: "!",
    ]

    mutating func type() throws(DemanglingFailure) {
        try reader.enter()
        let byte = try reader.take()
        if let basic = Self.basicTypes[byte] {
            try write(basic)
        } else {
            try compoundType(byte)
        }
        reader.leave()
    }

    private mutating func compoundType(_ byte: UInt8) throws(DemanglingFailure) {
        switch byte {
        case UInt8(ascii: "R"), UInt8(ascii: "Q"):
            try write("&")
            if reader.skip("L") {
                let index = try base62()
                if index > 0 {
                    try lifetime(index)
                    try write(" ")
                }
            }
            if byte == UInt8(ascii: "Q") { try write("mut ") }
            try type()
        case UInt8(ascii: "P"), UInt8(ascii: "O"):
            try write(byte == UInt8(ascii: "P") ? "*const " : "*mut ")
            try type()
        case UInt8(ascii: "A"), UInt8(ascii: "S"):
            try write("[")
            try type()
            if byte == UInt8(ascii: "A") {
                try write("; ")
                try constant()
            }
            try write("]")
        case UInt8(ascii: "T"):
            try write("(")
            let count = try list { name throws(DemanglingFailure) in try name.type() }
            try write(count == 1 ? ",)" : ")")
        case UInt8(ascii: "F"):
            try binding { name throws(DemanglingFailure) in
                try name.functionType()
            }
        case UInt8(ascii: "D"):
            try write("dyn ")
            try binding { name throws(DemanglingFailure) in try name.traits() }
            guard reader.skip("L") else { throw .unknown }
            let index = try base62()
            if index > 0 {
                try write(" + ")
                try lifetime(index)
            }
        case UInt8(ascii: "B"):
            try backReference { name throws(DemanglingFailure) in try name.type() }
        default:
            reader.position -= 1
            try path(isValue: false)
        }
    }

    private mutating func functionType() throws(DemanglingFailure) {
        if reader.skip("U") { try write("unsafe ") }
        if reader.skip("K") {
            let abi = reader.skip("C") ? "C" : try identifier()
            try write("extern \"\(String(abi.map { $0 == "_" ? "-" : $0 }))\" ")
        }
        try write("fn(")
        try list { name throws(DemanglingFailure) in try name.type() }
        try write(")")
        if reader.skip("u") { return }
        try write(" -> ")
        try type()
    }

    /// The traits of a `dyn` type, with the types that are associated with them.
    private mutating func traits() throws(DemanglingFailure) {
        var isFirst = true
        while !reader.skip("E") {
            if !isFirst { try write(" + ") }
            isFirst = false
            var isOpen = try openPath()
            while reader.skip("p") {
                try write(isOpen ? ", " : "<")
                isOpen = true
                try write(identifier())
                try write(" = ")
                try type()
            }
            if isOpen { try write(">") }
        }
    }

    /// A trait's path; its list of arguments, if it has one, stays open. Returns whether it has.
    private mutating func openPath() throws(DemanglingFailure) -> Bool {
        try reader.enter()
        defer { reader.leave() }
        if reader.skip("B") {
            var isOpen = false
            try backReference { name throws(DemanglingFailure) in isOpen = try name.openPath() }
            return isOpen
        }
        guard reader.skip("I") else {
            try path(isValue: false)
            return false
        }
        try path(isValue: false)
        try write("<")
        try list { name throws(DemanglingFailure) in
            // The same as in any path.
            if name.reader.skip("L") {
                try name.lifetime(name.base62())
            } else if name.reader.skip("K") {
                try name.constant()
            } else {
                try name.type()
            }
        }
        return true
    }

    // MARK: Lifetimes

    /// Does `work` within the lifetimes that a binder names, if there is one.
    private mutating func binding(
        _ work: (inout RustName) throws(DemanglingFailure) -> Void
    ) throws(DemanglingFailure) {
        let outer = boundLifetimes
        if reader.skip("G") {
            let count = try base62()
            guard count < 100 else { throw .unknown }
            try write("for<")
            for index in 0...count {
                if index > 0 { try write(", ") }
                boundLifetimes += 1
                try lifetime(1)
            }
            try write("> ")
        }
        try work(&self)
        boundLifetimes = outer
    }

    /// The lifetime that was bound `index` binders further out; 0 is one without a name.
    mutating func lifetime(_ index: Int) throws(DemanglingFailure) {
        if index == 0 { return try write("'_") }
        guard index <= boundLifetimes else { throw .unknown }
        let depth = boundLifetimes - index
        if depth < 26 {
            try write("'\(Character(Unicode.Scalar(UInt8(0x61 + depth))))")
        } else {
            try write("'_\(depth)")
        }
    }

    // MARK: Constants

    mutating func constant() throws(DemanglingFailure) {
        try reader.enter()
        defer { reader.leave() }
        let byte = try reader.take()
        switch byte {
        case UInt8(ascii: "p"): try write("_")
        case UInt8(ascii: "B"):
            try backReference { name throws(DemanglingFailure) in try name.constant() }
        case UInt8(ascii: "b"):
            let digits = try digits()
            guard digits == "0" || digits == "1" else { throw .unknown }
            try write(digits == "1" ? "true" : "false")
        case UInt8(ascii: "c"):
            guard let value = UInt32(try digits(), radix: 16), let scalar = Unicode.Scalar(value)
            else { throw .unknown }
            try write("'\(scalar.escaped(asASCII: false))'")
        default:
            guard "ahijlmnostxy".utf8.contains(byte) else { throw .unknown }
            if reader.skip("n") { try write("-") }
            let digits = try digits()
            try write(UInt64(digits, radix: 16).map { "\($0)" } ?? "0x\(digits)")
        }
    }

    /// Hexadecimal digits up to an underscore; none are 0.
    private mutating func digits() throws(DemanglingFailure) -> String {
        var digits = ""
        while true {
            let byte = try reader.take()
            switch byte {
            case 0x5F: return digits.isEmpty ? "0" : digits
            case 0x30...0x39, 0x61...0x66: digits.append(Character(Unicode.Scalar(byte)))
            default: throw .unknown
            }
        }
    }
}
