#if Observability
    public import Apus
    public import CoreMetrics
    public import Logging
    public import Tracing

    /// Tells logs, metrics and traces what guests do, by the packages that servers use for that.
    /// ```swift
    /// let observation = Observation(
    ///     "plugins", logger: logger, tracer: InstrumentationSystem.tracer)
    /// let module = try observation.compile("resize") { try Module(engine, contentsOf: path) }
    /// let instance = try observation.instantiate("resize") { try prepared.instantiate(in: store) }
    /// let size = try observation.call("resize") { try resize(640, 480) }
    /// ```
    /// What is not done through it costs nothing. Metrics begin with the label: `plugins.calls`,
    /// `plugins.call.time`; `Instruments` says which there are.
    public struct Observation: Sendable {
        /// What the names of metrics begin with.
        public let label: String
        /// Who is told of what goes wrong, and of modules that are compiled; nil: nobody.
        public var logger: Logger?
        /// Who is given a span for each compilation, instantiation and call; nil: nobody.
        public var tracer: (any Tracer)?
        /// What is counted and measured.
        public let instruments: Instruments

        /// Tells `logger` and `tracer`, and the metrics of `metrics`.
        public init(
            _ label: String = "apus", logger: Logger? = nil, tracer: (any Tracer)? = nil,
            metrics: any MetricsFactory = MetricsSystem.factory
        ) {
            self.label = label
            self.logger = logger
            self.tracer = tracer
            instruments = Instruments(label, metrics)
        }

        // MARK: Compiling and instantiating

        /// Does `body`, which compiles the module `name`.
        ///
        /// - Throws: what `body` throws, unchanged.
        public func compile(_ name: String, _ body: () throws -> Module) throws -> Module {
            try traced("compile", name) {
                do {
                    let module = try body()
                    note(module, name)
                    return module
                } catch {
                    instruments.failures.increment()
                    logger?.error(
                        "a module was not compiled", metadata: Self.metadata(name, error))
                    throw error
                }
            }
        }

        private func note(_ module: Module, _ name: String) {
            let statistics = module.statistics
            let counter =
                statistics.isPrecompiled
                ? instruments.precompiledModules : instruments.compiledModules
            counter.increment()
            instruments.compileTime.record(statistics.compileTime)
            logger?.debug(
                "a module was compiled",
                metadata: [
                    "module": "\(name)", "bytes": "\(statistics.moduleBytes)",
                    "time": "\(statistics.compileTime)",
                    "precompiled": "\(statistics.isPrecompiled)",
                ])
        }

        /// Does `body`, which makes an instance of the module `name`.
        ///
        /// - Throws: what `body` throws, unchanged.
        public func instantiate(_ name: String, _ body: () throws -> Instance) throws -> Instance {
            try traced("instantiate", name) {
                let start = ContinuousClock.now
                do {
                    let instance = try body()
                    instruments.instantiations.increment()
                    instruments.instantiationTime.record(start.duration(to: .now))
                    return instance
                } catch {
                    note(error, name)
                    throw error
                }
            }
        }

        /// Does `body`, which makes an instance of the module `name` asynchronously.
        ///
        /// - Throws: what `body` throws, unchanged.
        public func instantiateAsync(
            _ name: String, isolation: isolated (any Actor)? = #isolation,
            _ body: () async throws -> Instance
        ) async throws -> Instance {
            guard let tracer else { return try await instantiated(name, body) }
            return try await Self.span(tracer, "instantiate", name) {
                try await instantiated(name, body)
            }
        }

        private func instantiated(
            _ name: String, isolation: isolated (any Actor)? = #isolation,
            _ body: () async throws -> Instance
        ) async throws -> Instance {
            let start = ContinuousClock.now
            do {
                let instance = try await body()
                instruments.instantiations.increment()
                instruments.instantiationTime.record(start.duration(to: .now))
                return instance
            } catch {
                note(error, name)
                throw error
            }
        }

        // MARK: Calling

        /// Does `body`, which calls the guest `name`.
        ///
        /// - Throws: what `body` throws, unchanged.
        public func call<Result>(_ name: String, _ body: () throws -> Result) throws -> Result {
            try traced("call", name) {
                let start = ContinuousClock.now
                defer { end(start) }
                do {
                    return try body()
                } catch {
                    note(error, name)
                    throw error
                }
            }
        }

        /// Does `body`, which calls the guest `name` asynchronously.
        ///
        /// - Throws: what `body` throws, unchanged.
        public func callAsync<Result>(
            _ name: String, isolation: isolated (any Actor)? = #isolation,
            _ body: () async throws -> Result
        ) async throws -> Result {
            guard let tracer else { return try await measured(name, body) }
            return try await Self.span(tracer, "call", name) { try await measured(name, body) }
        }

        private func measured<Result>(
            _ name: String, isolation: isolated (any Actor)? = #isolation,
            _ body: () async throws -> Result
        ) async throws -> Result {
            let start = ContinuousClock.now
            defer { end(start) }
            do {
                return try await body()
            } catch {
                note(error, name)
                throw error
            }
        }

        private func end(_ start: ContinuousClock.Instant) {
            instruments.calls.increment()
            instruments.callTime.record(start.duration(to: .now))
        }

        /// Counts what a guest, or a function of the host for it, has ended in.
        private func note(_ error: any Error, _ name: String) {
            if error is CancellationError { return instruments.cancellations.increment() }
            instruments.failures.increment()
            guard let trap = error as? Trap else {
                logger?.error("a guest was left", metadata: Self.metadata(name, error))
                return
            }
            instruments.traps(trap.code).increment()
            var metadata = Self.metadata(name, error)
            metadata["code"] = "\(trap.code)"
            logger?.warning("a guest has trapped", metadata: metadata)
        }

        private static func metadata(_ name: String, _ error: any Error) -> Logger.Metadata {
            ["guest": "\(name)", "error": "\(error)"]
        }
    }

    // MARK: Spans

    extension Observation {
        private func traced<Result>(
            _ operation: String, _ name: String, _ body: () throws -> Result
        ) rethrows -> Result {
            guard let tracer else { return try body() }
            return try Self.span(tracer, operation, name, body)
        }

        private static func span<Result>(
            _ tracer: some Tracer, _ operation: String, _ name: String, _ body: () throws -> Result
        ) rethrows -> Result {
            try tracer.withSpan("wasm \(operation)") { span in
                span.attributes["wasm.guest"] = name
                return try body()
            }
        }

        private static func span<Result>(
            _ tracer: some Tracer, _ operation: String, _ name: String,
            isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
        ) async rethrows -> Result {
            try await tracer.withSpan("wasm \(operation)") { span in
                span.attributes["wasm.guest"] = name
                return try await body()
            }
        }
    }
#endif
