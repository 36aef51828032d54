internal import ApusCollections
internal import ApusFormat

/// A structure or an array. Specification: 4.2.13, 4.2.14.
final class ReferenceObject {
    /// The store's number of its type.
    let typeNumber: UInt32
    /// The fields or elements; packed ones are as narrow as they are stored.
    var fields: [ModelVector]

    init(_ typeNumber: UInt32, _ fields: [ModelVector]) {
        self.typeNumber = typeNumber
        self.fields = fields
    }
}

/// What a reference of the hierarchy of `any` is to.
public enum ReferenceReferent: Hashable, Sendable {
    case i31(UInt32)
    /// A place among the store's objects.
    case structure(Int)
    case array(Int)
    /// A number that stands for some object of the host.
    case host(UInt32)
}

/// Cells of references. Those of `any` and of `extern` are alike, so that one that is converted to
/// the other and back is the same: one more than a number of the host's, an object, or a small
/// integer.
extension ReferenceStore {
    private static var objectBit: UInt64 { 1 << 40 }
    private static var smallIntegerBit: UInt64 { 1 << 41 }
    /// Fields and elements of all objects together, of which tests need no more.
    private static var greatestFieldCount: Int { 1 << 22 }

    /// The cell of a reference to a new object of the type with the store's number `number`.
    func allocate(_ number: UInt32, _ fields: [ModelVector]) throws(ReferenceTrap) -> UInt64 {
        try reserve(fields.count)
        fieldCount += fields.count
        objects.append(ReferenceObject(number, fields))
        return Self.objectBit | UInt64(objects.count - 1)
    }

    /// Throws if there is no room for an object with `count` fields or elements.
    func reserve(_ count: Int) throws(ReferenceTrap) {
        guard count <= Self.greatestFieldCount - fieldCount else { throw .allocationTooLarge }
    }

    /// The object that `cell` refers to, if it is one.
    func object(_ cell: UInt64) -> ReferenceObject? {
        cell & Self.objectBit != 0 ? objects[Int(cell & ~Self.objectBit)] : nil
    }

    static func smallInteger(_ value: UInt32) -> UInt64 {
        smallIntegerBit | UInt64(value & 0x7FFF_FFFF)
    }

    /// The small integer in `cell`, sign-extended if `isSigned`.
    static func smallInteger(_ cell: UInt64, isSigned: Bool) -> UInt64 {
        let value = UInt32(truncatingIfNeeded: cell) & 0x7FFF_FFFF
        return UInt64(isSigned && value >> 30 != 0 ? value | 0x8000_0000 : value)
    }

    /// What `cell`, a reference of the hierarchies of `any` and `extern`, refers to; nil: null.
    func referent(_ cell: UInt64) -> ReferenceReferent? {
        if cell == 0 { return nil }
        if cell & Self.smallIntegerBit != 0 {
            return .i31(UInt32(truncatingIfNeeded: cell))
        }
        guard let object = object(cell) else { return .host(UInt32(truncatingIfNeeded: cell - 1)) }
        let place = Int(cell & ~Self.objectBit)
        return kind(object.typeNumber) == .array ? .array(place) : .structure(place)
    }

    /// Whether a value in `cell`, of the hierarchy that `target` belongs to, is a `target`.
    func isInstance(_ cell: UInt64, of target: HeapType, nullable: Bool) -> Bool {
        if cell == 0 { return nullable }
        let type: HeapType
        switch target.top(in: self) {
        case .func: type = HeapType(typeIndex: functions[Int(cell - 1)].typeNumber)
        case .extern: type = .extern
        case .exn: type = .exn
        default:
            switch referent(cell) {
            case .i31: type = .i31
            case .host, nil: type = .any
            case .structure, .array: type = HeapType(typeIndex: object(cell)?.typeNumber ?? 0)
            }
        }
        return type.matches(target, in: self)
    }
}

extension FieldType {
    /// `value` as a field of this type keeps it.
    func packed(_ value: ModelVector) -> ModelVector {
        switch storage {
        case .i8: ModelVector(low: value.low & 0xFF)
        case .i16: ModelVector(low: value.low & 0xFFFF)
        default: value
        }
    }

    /// What is read of a field that keeps `value`.
    func unpacked(_ value: ModelVector, _ sign: FieldExtension) -> ModelVector {
        guard sign == .signed else { return value }
        let extended =
            storage == .i8
            ? UInt32(bitPattern: Int32(Int8(truncatingIfNeeded: value.low)))
            : UInt32(bitPattern: Int32(Int16(truncatingIfNeeded: value.low)))
        return ModelVector(low: UInt64(extended))
    }

    /// Bytes that an element takes in a data segment.
    var byteCount: Int {
        switch storage {
        case .i8: 1
        case .i16: 2
        case .i32, .f32: 4
        case .v128: 16
        default: 8
        }
    }
}
