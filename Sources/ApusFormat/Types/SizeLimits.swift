internal import ApusCollections

/// The size range of a memory (in pages) or a table (in elements).
///
/// Specification: 2.3.11 “Limits”.
public struct SizeLimits: Hashable, Sendable {
    /// What there is at first.
    public var minimum: UInt64
    /// What there may be at most; nil: no more is said.
    public var maximum: UInt64?

    /// The limits with this minimum and maximum.
    public init(minimum: UInt64, maximum: UInt64? = nil) {
        self.minimum = minimum
        self.maximum = maximum
    }
}

/// The type of a linear memory. Specification: 2.3.13 “Memory Types”.
public struct MemoryType: Hashable, Sendable {
    /// In pages.
    public var limits: SizeLimits
    /// Whether addresses have 64 bits, not 32.
    public var is64: Bool = false
    /// Whether several threads may use it at once; then it has a maximum.
    public var isShared: Bool = false
    /// Binary logarithm of the page size in bytes: 16, or 0 with custom page sizes.
    public var pageSizeLog2: UInt8 = 16

    /// A memory of 32-bit addresses with these limits, in pages.
    public init(limits: SizeLimits) { self.limits = limits }

    /// Type of the memory's addresses and sizes.
    public var address: ValueType { is64 ? .i64 : .i32 }

    /// Bytes of a page.
    public var pageBytes: UInt64 { 1 << UInt64(pageSizeLog2) }
    /// The most pages that addresses can reach. Specification: 3.2.10 “Memory Types”.
    public var pageCountLimit: UInt64 {
        let bits = (is64 ? 64 : 32) - Int(pageSizeLog2)
        // With pages of one byte, the last address stays without one.
        return pageSizeLog2 == 0 ? UInt64.max >> (64 - bits) : 1 << bits
    }

    /// Bytes of `pages` pages; the greatest number if there is none for so many.
    public func byteCount(ofPages pages: UInt64) -> UInt64 {
        let (bytes, overflow) = pages.multipliedReportingOverflow(by: pageBytes)
        return overflow ? .max : bytes
    }
}

/// The type of a table. Specification: 2.3.14 “Table Types”.
public struct TableType: Hashable, Sendable {
    /// The type of its elements.
    public var element: ValueType
    /// How many elements it may have.
    public var limits: SizeLimits
    /// Whether indices have 64 bits, not 32.
    public var is64: Bool = false

    /// A table with 32-bit indices.
    public init(element: ValueType, limits: SizeLimits) {
        self.element = element
        self.limits = limits
    }

    /// Type of the table's indices and sizes.
    public var address: ValueType { is64 ? .i64 : .i32 }
}

/// The type of a global. Specification: 2.3.12 “Global Types”.
public struct GlobalType: Hashable, Sendable {
    /// The type of its value.
    public var value: ValueType
    /// Whether the value may be changed.
    public var isMutable: Bool

    /// The type of a global with such values.
    public init(_ value: ValueType, isMutable: Bool) {
        self.value = value
        self.isMutable = isMutable
    }
}
