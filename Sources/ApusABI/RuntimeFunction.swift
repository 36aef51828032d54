/// The functions of the runtime that compiled code calls: one row per function.
///
/// Compiled code calls the context's `runtime_call` stub with the row's number and the arguments in
/// registers (`RuntimeCall`). The stub passes the context as the first argument, records where wasm
/// was left, aligns the stack, calls, and afterwards leaves wasm if the store has a pending trap.
/// All arguments and results are 64-bit; an i32 is zero-extended. Registers that wasm functions do
/// not keep may be changed.
public enum RuntimeFunction: UInt8, CaseIterable, Sendable {
    /// (memory, delta pages) → old size in pages or -1 (as the memory's index type)
    case memoryGrow
    /// (place of a memory, destination, value, count): see `ContextLayout.memoryPlace`
    case memoryFill
    /// (places of the destination's memory and of the source's, or of a data segment
    /// (`ContextLayout.dataPlace`), destination, source, count)
    case memoryCopy
    /// (segment)
    case dataDrop
    /// (table, value, delta) → old size or -1
    case tableGrow
    /// (place of a table, destination, value, count): see `ContextLayout.tablePlace`
    case tableFill
    /// (places of the destination's table and of the source's, or of an element segment
    /// (`ContextLayout.elementPlace`), destination, source, count)
    case tableCopy
    /// (segment)
    case elementDrop
    /// (memory, address, expected value, nanoseconds or less than 0 for no end, offset) → 0 if
    /// notified, 1 if the value is another, 2 if the time has passed
    case memoryWait32, memoryWait64
    /// (place of a memory, address, most that are to be notified, offset) → how many were
    case memoryNotify
    /// (tag) → a new exception, whose values are still to be stored
    case exceptionMake
    /// (exception): never returns; goes on where it is caught
    case exceptionThrow

    // Objects of the heap. The place of a type is that of its id in the context
    // (`ContextLayout.signature`). Arrays that are given may be null.

    /// (id of a type, length) → object of zeros: called by the stub that the store context names
    case objectNew
    /// (place of a structure type) → structure of zeros, whose size is paid for
    case structNew
    /// (place of an array type, length) → array of zeros
    case arrayNew
    /// (place of an array type, value, length) → array
    case arrayNewFilled
    /// (place of an array type, address of a vector, length) → array
    case arrayNewVectors
    /// (place of an array type, place of a data segment, offset, length) → array
    case arrayNewData
    /// (place of an array type, place of an element segment, offset, length) → array
    case arrayNewElements
    /// (array, index, value, count)
    case arrayFill
    /// (array, index, address of a vector, count)
    case arrayFillVectors
    /// (destination, index, source, index, count)
    case arrayCopy
    /// (place of a data segment, array, index, offset, count)
    case arrayInitData
    /// (place of an element segment, array, index, offset, count)
    case arrayInitElements

    // Tiers

    /// (address behind the call in a function's stub) → its code: called by a stub of the engine's
    case functionCompile
    /// (function; loops, by the offsets of their first instructions in the body, or 0: below, the
    /// one at whose header it is, above, the outermost one around; frame pointer) → code that goes
    /// on at the header with the image of the frame, or 0
    case heat

    // Debugging

    /// (place of the instruction among the module's code): the guest is to stop before it
    case stop

    /// Arguments besides the context.
    public var parameterCount: Int {
        switch self {
        case .dataDrop, .elementDrop, .exceptionMake, .exceptionThrow,
            .structNew, .functionCompile, .stop:
            1
        case .memoryGrow, .objectNew, .arrayNew: 2
        case .tableGrow, .arrayNewFilled, .arrayNewVectors, .heat: 3
        case .memoryFill, .tableFill, .memoryNotify, .arrayNewData, .arrayNewElements, .arrayFill,
            .arrayFillVectors:
            4
        case .memoryCopy, .tableCopy, .memoryWait32, .memoryWait64, .arrayCopy, .arrayInitData,
            .arrayInitElements:
            5
        }
    }
}
