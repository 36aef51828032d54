internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Exceptions (4.6.12): a `try_table` is a block whose calls have handlers. Nothing is done where
/// it starts; each of its clauses has code behind the rest of the function where its exceptions
/// land, which brings everything where the clause's label wants it.
extension BaselineCompiler {
    /// Code that a clause is to have.
    struct Landing: BitwiseCopyable {
        /// The frame whose label the clause names, as it was where the `try_table` starts.
        var target: ControlFrame
        /// The parameters are what the exceptions carry.
        var carried: FlatSignature
        var wantsReference: Bool
        /// Place of the handler that is to know where the code is.
        var handler: Int
    }

    // MARK: try_table

    mutating func translateTryTable() {
        let type = reader.readBlockType()
        spillForMerge(upTo: stack.count)
        if type.typeIndex != nil { spillParameters(type) }
        let count = Int(reader.readIndex())
        var list = frames.last.handlers
        if count > 0 {
            let start = sites.handlers.count
            for _ in 0..<count { addClause() }
            list = addHandlers(from: start, outer: list)
        }
        openFrame(.block, type)
        frames.last.handlers = list
    }

    private mutating func addClause() {
        let kind = reader.readByte()
        let tag = kind < 2 ? reader.readIndex() : nil
        let place = frames.count &- 1 &- Int(reader.readIndex())
        // Every home is as new as its slot when an exception has landed.
        frames[place].isTargeted = true
        let carried = tag.map { signatures.table[Int(module.tags[Int($0)])] }
        landings.append(
            Landing(
                target: frames[place], carried: carried ?? FlatSignature(),
                wantsReference: kind & 1 != 0, handler: sites.handlers.count))
        sites.handlers.append(
            ExceptionHandler(tag: tag, wantsReference: kind & 1 != 0, landingOffset: 0))
    }

    /// Makes a list of the handlers from `start` on, followed by those of the list `outer`, and
    /// returns its number.
    private mutating func addHandlers(from start: Int, outer: Int32) -> Int32 {
        let number = UInt32(truncatingIfNeeded: sites.handlerLists.count &- firstHandlerList)
        sites.handlerLists.append(
            HandlerList(
                start: UInt32(truncatingIfNeeded: start),
                count: UInt32(truncatingIfNeeded: sites.handlers.count &- start),
                outer: outer < 0 ? nil : UInt32(bitPattern: outer)))
        if number > CallSite.numberLimit { hasTooManyHandlers = true }
        return Int32(bitPattern: min(number, CallSite.numberLimit))
    }

    /// Whether exceptions that leave the instruction at hand are caught in the function.
    var isCaught: Bool {
        @inline(__always) mutating get { frames.last.handlers >= 0 }
    }

    // MARK: Landing

    mutating func emitLandings() {
        for index in 0..<landings.count {
            if index & 63 == 63, mustStop() { return }
            sites.handlers[landings[index].handler].landingOffset = codeOffset
            emit(landings[index])
        }
    }

    /// All that is taken from registers is the exception; locals and operands are in their slots.
    private mutating func emit(_ landing: Landing) {
        // It is still that of who has thrown.
        code.lea(.w64, .rsp, Address(.rbp, -frameBytes))
        homeState = HomeState(valid: [], dirty: [])
        let target = landing.target
        if target.kind == .function {
            takeIntoSlots(landing, at: 0)
            pushSlots(target.resultStart, target.resultCount, at: 0)
            moveResultsForReturn(count: Int(target.resultCount))
            emitEpilogue()
            return truncateStack(to: 0)
        }
        if target.passesInRegister {
            takeIntoRegister(landing)
        } else {
            takeIntoSlots(landing, at: Int(target.height))
        }
        restoreHomes()
        code.jump(target.label)
    }

    /// The one value that the label takes, to where it takes it: the exception is there already.
    private mutating func takeIntoRegister(_ landing: Landing) {
        if landing.carried.parameterCount == 0 { return }
        let type = ValueClass(signatures.type(Int(landing.carried.parameterStart)))
        let value = Address(CallingConvention.exception, ExceptionField.values)
        if type.isInVector {
            loadVectorRegister(type, .xmm0, value)
        } else {
            code.load(type.width, .rax, value)
        }
    }

    private mutating func takeIntoSlots(_ landing: Landing, at height: Int) {
        let exception = CallingConvention.exception
        var offset = ExceptionField.values
        let count = Int(landing.carried.parameterCount)
        for place in 0..<count {
            let type = ValueClass(signatures.type(Int(landing.carried.parameterStart) &+ place))
            copyResult(type, from: Address(exception, offset), to: slotAddress(height &+ place))
            offset &+= type.stackBytes
        }
        if landing.wantsReference {
            code.store(.w64, slotAddress(height &+ count), exception)
        }
    }

    // MARK: Throwing

    mutating func translateThrow() {
        let tag = reader.readIndex()
        let count = Int(signatures.table[Int(module.tags[Int(tag)])].parameterCount)
        callRuntime(.exceptionMake, leading: [tag], operands: 0, result: .reference)
        let exception = pop()
        var offset = ExceptionField.values
        for place in (stack.count &- count)..<stack.count {
            store(stack[place], Address(exception.general, offset))
            offset &+= stack[place].type.stackBytes
        }
        push(exception)
        throwTop()
    }

    mutating func translateThrowRef() { throwTop() }

    /// Throws the exception that is on top of the stack.
    private mutating func throwTop() {
        callRuntime(
            .exceptionThrow, leading: [], operands: 1, result: nil,
            handlers: frames.last.handlers)
        // Nobody comes back.
        markSite(.unreachable)
        code.ud2()
        skip()
    }
}
