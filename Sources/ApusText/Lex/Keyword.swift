/// The words of the text format that are not instructions. Specification: 6.
enum Keyword: UInt32, CaseIterable {
    case unknown = 0
    // Modules
    case module, type, rec, sub, final, `func`, `import`, export, memory, table, global, tag, start
    case elem, data, offset, item, declare, param, result, local, mut, field, shared, pagesize
    case then, `catch`, catchRef, catchAll, catchAllRef, `do`
    // Legacy exception handling
    case `try`, rethrow, delegate
    case before, after, first, last, code, datacount
    // Types
    case i32, i64, f32, f64, v128, i8, i16
    case ref, null, any, eq, i31, `struct`, array, extern, exn, noReference, noFunc, noExtern, noExn
    case funcref, externref, anyref, eqref, i31ref, structref, arrayref, exnref
    case nullref, nullfuncref, nullexternref, nullexnref
    // Vectors
    case i8x16, i16x8, i32x4, i64x2, f32x4, f64x2
    // Scripts
    case binary, quote, definition, instance, register, invoke, get, either, thread, wait
    case assertReturn, assertTrap, assertExhaustion, assertInvalid, assertMalformed
    case assertUnlinkable, assertException, assertInvalidCustom, assertMalformedCustom
    case nanCanonical, nanArithmetic
    case refExtern, refHost, refStruct, refArray, refAny

    /// As it is written.
    var text: String {
        switch self {
        case .unknown: ""
        case .noReference: "none"
        case .catchRef: "catch_ref"
        case .catchAll: "catch_all"
        case .catchAllRef: "catch_all_ref"
        case .noFunc: "nofunc"
        case .noExtern: "noextern"
        case .noExn: "noexn"
        case .null: "null"
        case .assertReturn: "assert_return"
        case .assertTrap: "assert_trap"
        case .assertExhaustion: "assert_exhaustion"
        case .assertInvalid: "assert_invalid"
        case .assertMalformed: "assert_malformed"
        case .assertUnlinkable: "assert_unlinkable"
        case .assertException: "assert_exception"
        case .assertInvalidCustom: "assert_invalid_custom"
        case .assertMalformedCustom: "assert_malformed_custom"
        case .nanCanonical: "nan:canonical"
        case .nanArithmetic: "nan:arithmetic"
        case .refExtern: "ref.extern"
        case .refHost: "ref.host"
        case .refStruct: "ref.struct"
        case .refArray: "ref.array"
        case .refAny: "ref.any"
        default: "\(self)"
        }
    }
}
