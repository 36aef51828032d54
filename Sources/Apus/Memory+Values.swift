internal import ApusCollections
internal import ApusRuntime

// What guests keep in their memories besides integers.

extension Memory {
    /// The truth value at `address`, a byte: anything but 0 is true.
    public func load(
        _ type: Bool.Type, at address: some FixedWidthInteger
    ) throws(MemoryError) -> Bool {
        try load(UInt8.self, at: address) != 0
    }

    /// The f32 at `address`, at any alignment.
    public func load(
        _ type: Float.Type, at address: some FixedWidthInteger
    ) throws(MemoryError) -> Float {
        Float(bitPattern: try load(UInt32.self, at: address))
    }

    /// The f64 at `address`, at any alignment.
    public func load(
        _ type: Double.Type, at address: some FixedWidthInteger
    ) throws(MemoryError) -> Double {
        Double(bitPattern: try load(UInt64.self, at: address))
    }

    /// The v128 at `address`, at any alignment.
    public func load(
        _ type: Vector128.Type, at address: some FixedWidthInteger
    ) throws(MemoryError) -> Vector128 {
        let bits = try load(UInt128.self, at: address)
        return Vector128(
            low: UInt64(truncatingIfNeeded: bits), high: UInt64(truncatingIfNeeded: bits >> 64))
    }

    /// Stores a truth value at `address`: the byte 1 or 0.
    public func store(
        _ value: Bool, at address: some FixedWidthInteger
    ) throws(MemoryError) {
        try store(value ? 1 : 0 as UInt8, at: address)
    }

    /// Stores an f32 at `address`, at any alignment.
    public func store(
        _ value: Float, at address: some FixedWidthInteger
    ) throws(MemoryError) {
        try store(value.bitPattern, at: address)
    }

    /// Stores an f64 at `address`, at any alignment.
    public func store(
        _ value: Double, at address: some FixedWidthInteger
    ) throws(MemoryError) {
        try store(value.bitPattern, at: address)
    }

    /// Stores a v128 at `address`, at any alignment.
    public func store(
        _ value: Vector128, at address: some FixedWidthInteger
    ) throws(MemoryError) {
        try store(UInt128(value.high) << 64 | UInt128(value.low), at: address)
    }
}

/// How a guest keeps a text.
public enum TextEncoding: Hashable, Sendable, CaseIterable {
    /// One to four bytes for each character: most languages.
    case utf8
    /// Two or four bytes, the lower one first: JavaScript, Java, C#, and what is compiled of them.
    case utf16
    /// One byte, for the first 256 characters of Unicode.
    case latin1
}

extension TextEncoding {
    /// As it is called in messages.
    var name: String {
        switch self {
        case .utf8: "UTF-8"
        case .utf16: "UTF-16"
        case .latin1: "Latin-1"
        }
    }
}

extension Memory {
    /// The text in `count` bytes from `address` on.
    ///
    /// - Throws: `MemoryError.malformedText` if these bytes are no text of that encoding.
    public func string(
        at address: some FixedWidthInteger, count: some FixedWidthInteger,
        encoding: TextEncoding
    ) throws(MemoryError) -> String {
        let bytes = try read(at: address, count: count)
        guard let text = encoding.text(of: bytes) else {
            throw .malformedText(address: LinearMemory.offset(address), encoding)
        }
        return text
    }

    /// Copies the bytes of `text` in that encoding, without a final zero, to `address`; if they do
    /// not all fit, nothing is written. Returns their number.
    ///
    /// - Throws: `MemoryError.unrepresentableText` if the encoding has not all characters of it.
    @discardableResult
    public func write(
        _ text: String, at address: some FixedWidthInteger, encoding: TextEncoding
    ) throws(MemoryError) -> Int {
        guard let bytes = encoding.bytes(of: text) else { throw .unrepresentableText(encoding) }
        try write(bytes, at: address)
        return bytes.count
    }
}

extension TextEncoding {
    /// nil: the bytes are no such text.
    fileprivate func text(of bytes: [UInt8]) -> String? {
        switch self {
        case .utf8: return String(validating: bytes, as: UTF8.self)
        case .utf16:
            guard bytes.count % 2 == 0 else { return nil }
            let units = stride(from: 0, to: bytes.count, by: 2).map { index in
                UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8
            }
            return String(validating: units, as: UTF16.self)
        case .latin1:
            var text = String.UnicodeScalarView()
            text.append(contentsOf: bytes.map { Unicode.Scalar($0) })
            return String(text)
        }
    }

    /// nil: the encoding has not all of its characters.
    fileprivate func bytes(of text: String) -> [UInt8]? {
        switch self {
        case .utf8: return Array(text.utf8)
        case .utf16:
            return text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        case .latin1:
            var bytes: [UInt8] = []
            for scalar in text.unicodeScalars {
                guard let byte = UInt8(exactly: scalar.value) else { return nil }
                bytes.append(byte)
            }
            return bytes
        }
    }
}
